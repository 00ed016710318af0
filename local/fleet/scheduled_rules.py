"""Rules with rate() fire by AWS time, which may run faster than the wall clock.

MiniStack's scheduler looks at its rules every ten seconds of wall time and counts their intervals
in wall time as well. cron() stays on wall time: an hour of the day has to be one.
"""

from __future__ import annotations

from local.fleet.clock import AwsClock

LOOK_EVERY_SECONDS = 0.5


def register(clock: AwsClock) -> None:
    """Count intervals in AWS time."""
    from ministack.services import eventbridge

    stock = eventbridge._parse_rate_seconds

    def wall_seconds(expression: str) -> float | None:
        seconds = stock(expression)
        return None if seconds is None else seconds / clock.scale

    eventbridge._parse_rate_seconds = wall_seconds
    eventbridge._SCHEDULER_TICK_INTERVAL = LOOK_EVERY_SECONDS
