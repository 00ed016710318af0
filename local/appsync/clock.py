"""AppSync's own clock, which tests may set forward to let a delta window or a tombstone expire."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Wall time plus an offset in seconds, apart for data and for who calls.

    Otherwise no test could let a delta window expire without every token expiring first.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self.credentials_offset = 0.0

    def milliseconds(self) -> int:
        """Epoch milliseconds, as in `_lastChangedAt`."""
        return round((time.time() + self.offset) * 1000)

    def seconds(self) -> int:
        """Epoch seconds, as in `_ttl`."""
        return int(time.time() + self.offset)

    def credentials_seconds(self) -> int:
        """Epoch seconds for the expiry of keys and tokens."""
        return int(time.time() + self.credentials_offset)


def utc(milliseconds: int) -> datetime:
    """The moment that epoch milliseconds name."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
