"""What the demo prints: progress with the time since the start, and figures for the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Report:
    """Prints as it goes; `problems` holds what should not have been."""

    started: float = field(default_factory=time.monotonic)
    figures: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """One line of progress."""
        seconds = time.monotonic() - self.started
        print(f"{int(seconds // 60):>3}:{seconds % 60:04.1f}  {text}", flush=True)

    def chapter(self, title: str) -> None:
        """The heading of a chapter."""
        print(f"\n{title}\n{'-' * len(title)}", flush=True)

    def figure(self, name: str, value: str) -> None:
        """Something measured, for the table at the end."""
        self.figures.append((name, value))

    def check(self, holds: bool, promise: str) -> None:
        """A promise that was kept, or a problem."""
        self.say(f"{'as promised' if holds else 'NOT AS PROMISED'}: {promise}")
        if not holds:
            self.problems.append(promise)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """The seconds that a block takes, as a figure."""
        begun = time.monotonic()
        yield
        self.figure(name, f"{time.monotonic() - begun:.1f} s")

    def summary(self) -> None:
        """The table."""
        width = max(len(name) for name, _ in self.figures)
        print("\nMeasured\n--------")
        for name, value in self.figures:
            print(f"{name:<{width}}  {value}")
        minutes, seconds = divmod(time.monotonic() - self.started, 60)
        print(f"\n{minutes:.0f} min {seconds:.0f} s in all")
        for problem in self.problems:
            print(f"NOT AS PROMISED: {problem}")
