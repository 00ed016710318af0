"""What each way against cold starts costs a month, and what share of requests still starts cold.

    python -m costs.cold_starts                                   a generated, bursty week
    python -m costs.cold_starts --pattern diurnal --per-day 200000
    python -m costs.cold_starts --trace requests.csv --memory-mb 1024 --init-ms 900

A trace is replayed over the copies of one function (costs/copies.py) once per strategy, and what
was counted is priced by costs/prices.json. docs/cold-starts.md says how to read it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from costs.copies import Assumptions, Outcome, Pings, Provisioned, Replay, Window
from costs.prices import HOURS_PER_MONTH, SECONDS_PER_MONTH, all_prices, price
from costs.traffic import PATTERNS, TraceError, Traffic, generate, read

SNAPSTART = "snapstart"


@dataclass(frozen=True, kw_only=True)
class Function:
    """The function's settings; times in seconds."""

    memory_gb: float
    architecture: str
    init: float
    restore: float
    idle_lifetime: float
    longest_lifetime: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; money in dollars a month."""

    strategy: str
    cold_share: float
    cold_per_day: float
    waits: float
    requests: float
    duration: float
    standby: float

    @property
    def total(self) -> float:
        """The function's bill."""
        return self.requests + self.duration + self.standby


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A name and what it changes in the replay."""

    name: str
    pings: Pings | None = None
    provisioned: Provisioned | None = None


def strategies(*, copies: int, every: float, provisioned: int, most: int) -> list[Strategy]:
    """What is compared: the four settings of a function and their variants."""
    warmed = [
        Strategy(
            name=f"keep_warm, {count} every {every / 60:g} min",
            pings=Pings(copies=count, every=every),
        )
        for count in sorted({1, copies})
    ]
    office = Window(first_hour=8, last_hour=20, copies=provisioned)
    return [
        Strategy(name="none"),
        *warmed,
        Strategy(
            name=f"provisioned, {provisioned}",
            provisioned=Provisioned(least=provisioned, most=provisioned),
        ),
        Strategy(
            name=f"provisioned, 1; {provisioned} on weekdays 8-20",
            provisioned=Provisioned(least=1, most=provisioned, window=office),
        ),
        Strategy(
            name=f"provisioned, tracking 70 %, 1 to {most}",
            provisioned=Provisioned(least=1, most=most, target=0.7),
        ),
        Strategy(name=SNAPSTART),
    ]


def evaluate(strategy: Strategy, traffic: Traffic, function: Function) -> Row:
    """Replay the trace under a strategy and price it for a month of 730 hours."""
    snapstart = strategy.name == SNAPSTART
    start = function.restore if snapstart else function.init
    outcome = Replay(
        traffic,
        Assumptions(
            start=start,
            # Restoring a snapshot is billed per GB, not by the second.
            billed_start=0.0 if snapstart else function.init,
            idle_lifetime=function.idle_lifetime,
            longest_lifetime=function.longest_lifetime,
        ),
        pings=strategy.pings,
        provisioned=strategy.provisioned,
    ).run()
    months = traffic.days * 24 / HOURS_PER_MONTH
    return Row(
        strategy=strategy.name,
        cold_share=outcome.cold / outcome.requests if outcome.requests else 0.0,
        cold_per_day=outcome.cold / traffic.days,
        waits=start,
        requests=(outcome.requests + outcome.pings) * price("lambda.requests") / months,
        duration=_duration(outcome, function) / months,
        standby=_standby(outcome, function, months=months, snapstart=snapstart),
    )


def _duration(outcome: Outcome, function: Function) -> float:
    on_demand = price(f"lambda.duration.{function.architecture}")
    provisioned = price(f"lambda.provisioned_duration.{function.architecture}")
    return function.memory_gb * (
        outcome.on_demand_seconds * on_demand + outcome.provisioned_busy_seconds * provisioned
    )


def _standby(outcome: Outcome, function: Function, *, months: float, snapstart: bool) -> float:
    if snapstart:
        restores = outcome.starts * price("lambda.snapstart.restore") / months
        return function.memory_gb * (restores + SECONDS_PER_MONTH * price("lambda.snapstart.cache"))
    per_second = price(f"lambda.provisioned.{function.architecture}")
    return function.memory_gb * outcome.provisioned_seconds * per_second / months


def table(rows: list[Row]) -> str:
    """The rows as text."""
    lines = [
        f"{'strategy':<42}{'cold':>9}{'a day':>9}{'wait ms':>9}"
        f"{'requests':>10}{'duration':>10}{'standby':>9}{'total':>9}"
    ]
    lines += [
        f"{row.strategy:<42}{row.cold_share:>8.3%} {row.cold_per_day:>8.1f}{row.waits * 1000:>9.0f}"
        f"{row.requests:>10.2f}{row.duration:>10.2f}{row.standby:>9.2f}{row.total:>9.2f}"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the table for the traffic that the arguments describe."""
    chosen = _parser().parse_args(arguments)
    duration = chosen.duration_ms / 1000
    try:
        traffic = (
            read(chosen.trace, duration=duration)
            if chosen.trace
            else generate(
                chosen.pattern,
                per_day=chosen.per_day,
                duration=duration,
                days=chosen.days,
                seed=chosen.seed,
            )
        )
    except TraceError as error:
        print(error, file=sys.stderr)
        return 2
    function = Function(
        memory_gb=chosen.memory_mb / 1024,
        architecture=chosen.architecture,
        init=chosen.init_ms / 1000,
        restore=chosen.restore_ms / 1000,
        idle_lifetime=chosen.idle_minutes * 60,
        longest_lifetime=chosen.longest_minutes * 60,
    )
    compared = strategies(
        copies=chosen.copies,
        every=chosen.every_minutes * 60,
        provisioned=chosen.provisioned,
        most=chosen.most,
    )
    dated = max(entry.as_of for entry in all_prices().values())
    print(
        f"{len(traffic.arrivals)} requests in {traffic.days:g} days, {chosen.memory_mb} MB, "
        f"{chosen.architecture}; an idle copy lives {chosen.idle_minutes:g} min, any copy "
        f"{chosen.longest_minutes:g} min (assumed)"
    )
    print(f"dollars a month at us-east-1 list prices of {dated}, without free tiers\n")
    print(table([evaluate(strategy, traffic, function) for strategy in compared]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m costs.cold_starts")
    add = parser.add_argument
    add("--trace", type=Path, help="a file with a line per request: seconds[,milliseconds]")
    add("--pattern", choices=PATTERNS, default="bursty", help="of the generated trace")
    add("--per-day", type=_number(0), default=5000, help="requests a day")
    add("--days", type=_whole(1), default=7, help="of the generated trace")
    add("--seed", type=int, default=1, help="of the generated trace")
    add("--memory-mb", type=_whole(128), default=512)
    add("--architecture", choices=("arm64", "x86_64"), default="arm64")
    add("--duration-ms", type=_number(0), default=80, help="of one request")
    add("--init-ms", type=_number(0), default=350, help="what a caller waits for a new copy")
    add("--restore-ms", type=_number(0), default=200, help="the same from a snapshot")
    add("--idle-minutes", type=_number(0), default=10, help="after which an idle copy ends")
    add("--longest-minutes", type=_number(1), default=120, help="after which any copy ends")
    add("--copies", type=_whole(1), default=5, help="that keep_warm holds")
    add("--every-minutes", type=_number(1), default=5, help="between two rounds of pings")
    add("--provisioned", type=_whole(1), default=5, help="copies")
    add("--most", type=_whole(1), default=20, help="copies that target tracking may provision")
    return parser


def _number(least: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text}: choose a number from {least:g}")
        return value

    return number


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text}: choose a whole number from {least}")
        return value

    return whole


if __name__ == "__main__":
    sys.exit(main())
