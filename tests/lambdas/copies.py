"""Copies of a function in processes of their own, given out the way Lambda does.

A copy serves one invocation at a time; an invocation gets an idle copy or, without one, a new copy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

LAMBDA_SRC = Path(__file__).parents[2] / "lambda_src"
LOOP = """
import json, os, sys
from types import SimpleNamespace
context = SimpleNamespace(aws_request_id="r", invoked_function_arn=
    "arn:aws:lambda:eu-west-1:000000000000:function:probe:live",
    get_remaining_time_in_millis=lambda: int(os.environ.get("TIMEOUT_MS", 10_000)))
import importlib
sys.path[:0] = sys.argv[2:]
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(importlib.import_module(module), name)
for line in sys.stdin:
    result = handler(json.loads(line), context)
    print("ANSWER " + json.dumps(result), flush=True)
"""


class Copy:
    """One process with the function loaded."""

    def __init__(self, handler: str, paths: tuple[str, ...], environment: dict[str, str]) -> None:
        self.log: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOOP, handler, *paths, str(LAMBDA_SRC)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def invoke(self, event: object) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("ANSWER "):
                return json.loads(line.removeprefix("ANSWER "))
            self.log.append(json.loads(line))
        raise AssertionError("the copy ended")

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


class Function:
    """All copies; use as a context manager."""

    def __init__(self, handler: str, *paths: str, **environment: str) -> None:
        self._handler = handler
        self._paths = paths
        self._environment = environment
        self._lock = threading.Lock()
        self._idle: list[Copy] = []
        self.copies: list[Copy] = []

    def __enter__(self) -> Function:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for copy in self.copies:
            copy.end()

    def invoke(self, event: object) -> Any:
        with self._lock:
            copy = self._idle.pop() if self._idle else None
            if copy is None:
                copy = Copy(self._handler, self._paths, self._environment)
                self.copies.append(copy)
        try:
            return copy.invoke(event)
        finally:
            with self._lock:
                self._idle.append(copy)

    def invoke_together(self, events: list[Any]) -> list[Any]:
        """Asynchronous invocations that arrive at the same moment."""
        answers: list[Any] = [None] * len(events)

        def one(index: int) -> None:
            answers[index] = self.invoke(events[index])

        threads = [threading.Thread(target=one, args=(i,)) for i in range(len(events))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    @property
    def log(self) -> list[dict[str, Any]]:
        return [line for copy in self.copies for line in copy.log]
