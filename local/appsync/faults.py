"""What tests may do to AppSync: refuse, delay, cut.

Clients have to survive all of it; the engine's control door sets it (`control_door.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CUT = 0
"""As an HTTP status: close the connection without an answer."""


def cut(channel: Any) -> None:
    """Reset the connection that an ASGI `send` or `receive` of uvicorn belongs to."""
    channel.__self__.transport.abort()


@dataclass
class Faults:
    """The faults in force, for all APIs."""

    latency_seconds: float = 0.0
    status: int | None = None
    until: float = 0.0
    times: int | None = None
    realtime_refused_until: float = 0.0

    def refusal(self) -> int | None:
        """The HTTP status that this request is refused with, if it is."""
        if self.status is None:
            return None
        if self.times is not None:
            if self.times <= 0:
                self.status = None
                return None
            self.times -= 1
            return self.status
        if time.monotonic() >= self.until:
            self.status = None
        return self.status

    def refuse(self, status: int, *, seconds: float | None, times: int | None) -> None:
        """Refuse requests for a while or a number of times."""
        self.status, self.times = status, times
        self.until = time.monotonic() + (seconds or 0.0)

    def refuse_realtime(self, seconds: float) -> None:
        """Accept no WebSocket for a while."""
        self.realtime_refused_until = time.monotonic() + seconds

    @property
    def realtime_refused(self) -> bool:
        """Whether a WebSocket is turned away now."""
        return time.monotonic() < self.realtime_refused_until

    def clear(self) -> None:
        """No faults."""
        self.latency_seconds, self.status, self.times = 0.0, None, None
        self.until = self.realtime_refused_until = 0.0

    async def delay(self) -> None:
        """The latency in force."""
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)

    def described(self) -> Mapping[str, Any]:
        """For the control door."""
        refusing = self.status is not None and (
            bool(self.times) if self.times is not None else time.monotonic() < self.until
        )
        return {
            "latency_seconds": self.latency_seconds,
            "refusing": self.status if refusing else None,
            "realtime_refused": self.realtime_refused,
        }
