"""What tests and the demo may do to the fleet: see what happened, and play what EC2 does.

Served by the engine as POST /_groundwork/fleet/<name>; `local.fleet.control` is the client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local.engine_parts import ControlError, ControlHandler
from local.fleet.group import NOTICE_SECONDS, Group, GroupError

if TYPE_CHECKING:
    from local.fleet.supervisor import Supervisor

Request = Mapping[str, Any]


class FleetControls:
    """The controls of one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def handlers(self) -> Mapping[str, ControlHandler]:
        """By name."""
        return {
            "fleet/events": _handler(self._events),
            "fleet/groups": _handler(self._groups),
            "fleet/kill": _handler(self._kill),
            "fleet/interrupt": _handler(self._interrupt),
            "fleet/rebalance": _handler(self._rebalance),
            "fleet/clock": _handler(self._clock),
        }

    def _events(self, request: Request) -> Request:
        found = self._supervisor.events.since(int(request.get("since", 0)))
        return {"events": [asdict(event) for event in found]}

    def _groups(self, _request: Request) -> Request:
        now = self._supervisor.clock.now()
        return {"groups": [_described(each, now) for each in self._supervisor.groups.values()]}

    def _kill(self, request: Request) -> Request:
        group, identifier = self._instance(request)
        group.kill(identifier)
        return {}

    def _interrupt(self, request: Request) -> Request:
        group, identifier = self._instance(request)
        seconds = float(request.get("notice_seconds", NOTICE_SECONDS))
        group.interrupt(identifier, notice_seconds=seconds)
        return {}

    def _rebalance(self, request: Request) -> Request:
        group, identifier = self._instance(request)
        group.recommend_rebalance(identifier)
        return {}

    def _clock(self, request: Request) -> Request:
        clock = self._supervisor.clock
        if "scale" in request:
            clock.set_scale(float(request["scale"]))
        return {"scale": clock.scale, "aws": clock.now()}

    def _instance(self, request: Request) -> tuple[Group, str]:
        identifier = str(request.get("instance", ""))
        groups = self._supervisor.groups.values()
        for group in groups:
            if identifier in group.instances:
                return group, identifier
        known = ", ".join(each for group in groups for each in group.instances)
        raise ControlError(f"there is no instance {identifier!r}; there are: {known or 'none'}")


def _handler(action: Callable[[Request], Request]) -> Callable[[Request], Awaitable[Request]]:
    async def handle(request: Request) -> Request:
        try:
            return action(request)
        except (GroupError, ValueError) as error:
            raise ControlError(str(error)) from None

    return handle


def _described(group: Group, now: float) -> dict[str, Any]:
    config = group.config
    refresh = group.refresh
    return {
        "name": group.name,
        "minimum": config.minimum,
        "maximum": config.maximum,
        "desired": config.desired,
        "refreshing": refresh is not None,
        "instances": [
            {
                "instance": each.instance_id,
                "state": each.state,
                "healthy": each.healthy,
                "market": each.market,
                "type": each.instance_type,
                "zone": each.zone,
                "template_version": each.template.version,
                "running": not each.gone,
                "pids": each.machine.pids if each.machine else [],
                "age": now - each.launched_at,
            }
            for each in group.instances.values()
        ],
    }
