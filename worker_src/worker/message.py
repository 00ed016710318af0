"""A message as a job sees it, and the protocol that a job module fulfils."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One received message.

    `receive_count` is SQS's ApproximateReceiveCount: 1 on the first delivery. `attributes` holds
    the system attributes that the worker asks for, as SQS spells them.
    """

    body: str
    message_id: str
    receive_count: int
    attributes: Mapping[str, str]


class Job(Protocol):
    """What the fleet does with a message. `run` is called from several threads at once."""

    def key(self, body: str) -> str | None:
        """The idempotency key of a message, or None when running it twice does no harm."""

    def run(self, message: Message) -> None:
        """Do the work. Return = done; raise `Reject` or `Retry` (worker.outcomes) otherwise."""
