"""What an operation gives back: a JSON body at once, or a stream of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A body. `status` is the one that the API's model gives the operation."""

    content: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stream:
    """`run` hands over one event after the other and returns at the end; on a thread."""

    run: Callable[[Callable[[bytes], None]], None]
    headers: Mapping[str, str] = field(default_factory=dict)
