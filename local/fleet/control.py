"""A client for the fleet's controls: what happened, and what EC2 does to an instance.

fleet = FleetControl(aws.control)
fleet.kill(fleet.group().in_service[0].instance)
fleet.wait_for("terminated", since=mark, timeout=30)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.fleet.events import FleetEvent
from local.fleet.instance import IN_SERVICE

POLL_SECONDS = 0.1


class FleetTimeoutError(TimeoutError):
    """What was waited for did not happen; lists what did."""


@dataclass(frozen=True, kw_only=True)
class InstanceView:
    """An instance. `age` is in AWS seconds; `pids` are its top processes on this machine."""

    instance: str
    state: str
    healthy: bool
    market: str
    type: str
    zone: str
    template_version: int
    running: bool
    pids: tuple[int, ...]
    age: float


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """A group and its instances."""

    name: str
    minimum: int
    maximum: int
    desired: int
    refreshing: bool
    instances: tuple[InstanceView, ...]

    @property
    def in_service(self) -> tuple[InstanceView, ...]:
        """The instances that count as capacity and run."""
        return tuple(each for each in self.instances if each.state == IN_SERVICE and each.running)


class FleetControl:
    """Talks to one engine; `call` is `LocalAws.control`."""

    def __init__(self, call: Callable[..., dict[str, Any]]) -> None:
        self._call = call

    def events(self, since: int = 0) -> list[FleetEvent]:
        """The events from number `since` on."""
        return [FleetEvent(**each) for each in self._call("fleet/events", since=since)["events"]]

    def mark(self) -> int:
        """The number that the next event will have."""
        return len(self.events())

    def groups(self) -> list[GroupView]:
        """All groups."""
        return [
            GroupView(
                **{
                    **group,
                    "instances": tuple(
                        InstanceView(**{**each, "pids": tuple(each["pids"])})
                        for each in group["instances"]
                    ),
                }
            )
            for group in self._call("fleet/groups")["groups"]
        ]

    def group(self, name: str | None = None) -> GroupView:
        """The group of this name, or the only one. Raises LookupError."""
        groups = [group for group in self.groups() if name in (None, group.name)]
        if len(groups) != 1:
            raise LookupError(f"{len(groups)} groups are called {name or 'anything'}, not one")
        return groups[0]

    def kill(self, instance: str) -> None:
        """SIGKILL for the whole instance."""
        self._call("fleet/kill", instance=instance)

    def interrupt(self, instance: str, *, notice_seconds: float | None = None) -> None:
        """A spot interruption: notice now, the end two minutes (of AWS time) later."""
        notice = {} if notice_seconds is None else {"notice_seconds": notice_seconds}
        self._call("fleet/interrupt", instance=instance, **notice)

    def rebalance(self, instance: str) -> None:
        """A rebalance recommendation for a spot instance."""
        self._call("fleet/rebalance", instance=instance)

    def set_scale(self, scale: float) -> None:
        """AWS seconds per second from now on."""
        self._call("fleet/clock", scale=scale)

    def wait_for(
        self, kind: str, *, since: int = 0, instance: str | None = None, timeout: float
    ) -> FleetEvent:
        """The first event of this kind from `since` on. Raises FleetTimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            events = self.events(since)
            for event in events:
                if event.kind == kind and instance in (None, event.instance):
                    return event
            if time.monotonic() > deadline:
                lines = "\n".join(
                    f"{each.kind} {each.instance} {each.reason}" for each in events[-30:]
                )
                raise FleetTimeoutError(
                    f"no {kind!r} within {timeout:g} s; what happened:\n{lines}"
                )
            time.sleep(POLL_SECONDS)

    def wait_until(
        self, reached: Callable[[GroupView], bool], *, timeout: float, name: str | None = None
    ) -> GroupView:
        """The group as soon as something holds of it. Raises FleetTimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            group = self.group(name)
            if reached(group):
                return group
            if time.monotonic() > deadline:
                raise FleetTimeoutError(
                    f"within {timeout:g} s the group got no further than {group}"
                )
            time.sleep(POLL_SECONDS)
