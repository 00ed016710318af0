"""Everything that happens to the fleet, in order, for tests, the demo and `python -m local`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from local.fleet.clock import AwsClock


@dataclass(frozen=True, kw_only=True)
class FleetEvent:
    """One event. `wall` and `aws` are seconds since the epoch; `instance` is empty for the group.

    Kinds: launching, in-service, unhealthy, terminating, terminated, hook-wait, hook-completed,
    hook-timed-out, heartbeat, capacity, spot-notice, rebalance-recommendation, interrupted, killed,
    refresh-started, refresh-ended, service, set-up-failed, alarm.
    """

    number: int
    wall: float
    aws: float
    kind: str
    group: str
    instance: str
    reason: str


class EventLog:
    """Keeps the events in memory and appends each to a file, one JSON object per line."""

    def __init__(self, *, clock: AwsClock, path: Path | None = None) -> None:
        self._clock = clock
        self._path = path
        self._events: list[FleetEvent] = []
        self.listener: Callable[[FleetEvent], None] | None = None

    def record(self, kind: str, *, group: str, instance: str = "", reason: str = "") -> None:
        """Note that something has just happened."""
        wall = self._clock.wall()
        event = FleetEvent(
            number=len(self._events),
            wall=wall,
            aws=self._clock.at(wall),
            kind=kind,
            group=group,
            instance=instance,
            reason=reason,
        )
        self._events.append(event)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(event)) + "\n")
        if self.listener is not None:
            self.listener(event)

    def since(self, number: int = 0) -> list[FleetEvent]:
        """The events from `number` on."""
        return self._events[number:]
