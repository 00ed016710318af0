"""Does nothing with a message: what is left is the worker itself (`bench/worker.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.aws import Aws
    from worker.message import Message


class Noop:
    """Every message is done as soon as it is seen."""

    def key(self, body: str) -> str | None:
        """None: nothing happens, so nothing can happen twice."""
        return None

    def run(self, message: Message) -> None:
        """Return at once."""


def open_job(environ: Mapping[str, str], *, aws: Aws) -> Noop:
    """Open the job; it has no settings."""
    return Noop()
