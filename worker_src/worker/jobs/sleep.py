"""Waits as a job does that mostly talks to other services (`bench/worker.py`, `bench/loss.py`)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.aws import Aws
    from worker.message import Message

SETTING = "WORKER_SLEEP_MS"


class Sleep:
    """Blocks its thread for a fixed time, without using the processor."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds

    def key(self, body: str) -> str | None:
        """None: waiting twice does no harm."""
        return None

    def run(self, message: Message) -> None:
        """Wait, then be done."""
        time.sleep(self._seconds)


def open_job(environ: Mapping[str, str], *, aws: Aws) -> Sleep:
    """Open the job with WORKER_SLEEP_MS (milliseconds per message, default 20).

    Raises ValueError with the remedy when the setting is no number from 0 up.
    """
    value = environ.get(SETTING, "20")
    try:
        milliseconds = float(value)
    except ValueError:
        milliseconds = -1.0
    if not 0 <= milliseconds < float("inf"):
        raise ValueError(f"{SETTING}={value!r}: set the milliseconds per message, 0 or more")
    return Sleep(seconds=milliseconds / 1000)
