"""Simulate the fleet's scaling policies as synthesized: `python -m bench.fleet_scaling`.

Prints how long messages wait and what is paid for it, beside the optimum, for loads from one
message every ten minutes to a billion in an hour, and draws bench/out/fleet_scaling.png. The
numbers come from the templates; `--sweep` varies them to choose defaults (docs/scaling.md).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bench.assembly import REPOSITORY, SynthError, templates
from bench.fleet_loads import Load, loads
from bench.fleet_measures import Measures, measures
from bench.fleet_plot import draw
from bench.fleet_sweep import sweep
from bench.fleet_template import Fleet
from bench.fleet_world import Capacity, Delays, Run, World

PLOT = REPOSITORY / "bench" / "out" / "fleet_scaling.png"
STEP_SECONDS = 5
SWEEP_STEP = 10
PHASES = 5
WIDTHS = (9, 7, 7, 8, 7)
HEADER = (
    f"{'load':<10} {'messages':>13} {'wait p50':>9} {'p95':>7} {'best':>7} {'drained':>8}"
    f" {'best':>7} {'peak':>5} {'paid h':>9} {'needed h':>9} {'over':>7} {'$':>7} {'$ over':>7}"
    f" {'turns':>5}"
)


def simulate(
    fleet: Fleet, load: Load, *, seconds_per_message: float, delays: Delays
) -> tuple[Run, Measures]:
    """One load against the fleet's policies."""
    capacity = Capacity(rate=fleet.concurrency / seconds_per_message, in_hand=2 * fleet.concurrency)
    run = World(fleet.scaling, load, capacity=capacity, delays=delays).run()
    maximum = load.maximum or fleet.scaling.group.maximum
    return run, measures(run, capacity=capacity, delays=delays, maximum=maximum)


def row(name: str, result: Measures) -> str:
    """One line of the table."""
    service, best = result.service, result.best
    waits = (service.wait_median, service.wait_95, best.wait_95, service.drained, best.drained)
    columns = [f"{_span(value):>{width}}" for value, width in zip(waits, WIDTHS, strict=True)]
    return (
        f"{name:<10} {result.messages:>13,.0f} {' '.join(columns)} {result.peak:>5}"
        f" {result.instance_hours:>9,.1f} {result.needed_hours:>9,.1f} {_beyond(result.over):>7}"
        f" {result.dollars:>7.2f} {result.dollars_beyond_need:>7.2f} {result.turns:>5}"
        f"{'' if service.finished else '  NOT FINISHED'}"
    )


def _beyond(share: float) -> str:
    return f"{share:.0%}" if share < 10 else f"{share + 1:,.0f}x"


def _span(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} m" if seconds >= 60 else f"{seconds:.0f} s"


def play(fleet: Fleet, chosen: Mapping[str, Load], *, seconds_per_message: float) -> list[Run]:
    """Print a line per load, and one with SQS's metrics later than Auto Scaling's."""
    print(HEADER)
    runs = []
    for load in chosen.values():
        run, result = simulate(
            fleet, load, seconds_per_message=seconds_per_message, delays=Delays()
        )
        runs.append(run)
        print(row(load.name, result), flush=True)
    late = Delays(queue_metric=120)
    _, result = simulate(
        fleet, chosen["step"], seconds_per_message=seconds_per_message, delays=late
    )
    print(row("step*", result))
    for load in chosen.values():
        print(f"  {load.name}: {load.notes}")
    print("  step*: the same with SQS's data points one minute later than Auto Scaling's")
    print("  best: the whole fleet from the first message on; turns: changes of direction")
    return runs


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet_scaling", description=__doc__)
    parser.add_argument("--stage", default="prod", choices=("dev", "prod"))
    parser.add_argument(
        "--seconds-per-message",
        type=float,
        default=0.5,
        help="what a message takes one thread; the setting fleet.seconds_per_message (default 0.5)",
    )
    parser.add_argument("--sweep", action="store_true", help="vary the policy's numbers")
    parser.add_argument("--plot", type=Path, default=PLOT, help="where to draw")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        fleet = Fleet.from_template(templates(options.stage)["Fleet"])
    except SynthError as error:
        print(error, file=sys.stderr)
        return 1
    group = fleet.scaling.group
    rate = fleet.concurrency / options.seconds_per_message
    print(
        f"{options.stage}: {group.minimum} to {group.maximum} x {fleet.instance_type},"
        f" {fleet.concurrency} messages at a time of {options.seconds_per_message} s each"
        f" = {rate:g} messages/s per instance; target backlog {fleet.target:g} per instance"
        f" = {fleet.target / rate:g} s; warm-up {group.warmup_seconds} s"
    )
    full_rate = rate * group.maximum
    if options.sweep:
        sweep(
            fleet,
            [loads(full_rate=full_rate, step=SWEEP_STEP, phase=phase) for phase in range(PHASES)],
            seconds_per_message=options.seconds_per_message,
            simulate=simulate,
        )
        print(f"{time.monotonic() - started:.1f} s in all")
        return 0
    chosen = loads(full_rate=full_rate, step=STEP_SECONDS)
    runs = play(fleet, chosen, seconds_per_message=options.seconds_per_message)
    options.plot.parent.mkdir(parents=True, exist_ok=True)
    draw(runs, options.plot)
    print(f"drawn to {options.plot}; {time.monotonic() - started:.1f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
