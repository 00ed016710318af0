"""Jobs for a consumer, and what to feed it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.worker.in_process import InProcess
from worker.message import Message

Consume = Callable[..., InProcess]


def nothing(_: Message) -> None:
    """A job that is done at once."""


def bodies(count: int) -> list[str]:
    return [f"message {number}" for number in range(count)]


class Gate:
    """A job that waits until it is opened, and counts."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.lock = threading.Lock()
        self.running = 0
        self.most = 0
        self.started: list[str] = []

    def __call__(self, message: Message) -> None:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.started.append(message.message_id)
        assert self.opened.wait(20)
        with self.lock:
            self.running -= 1
