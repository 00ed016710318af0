"""What `make synth` costs beside a one-queue app: `python -m bench.synth`.

Both apps run through the same CDK CLI with the same feature flags and without template validation,
in turn, so that a busy machine is busy for both; medians over the rounds. The goal is a ratio of
two at most, in CPU time, which other load disturbs least. Validation is measured on its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench.assembly import REPOSITORY, SynthError, environment
from bench.synth_apps import AppUnderTest, Cost, groundwork, one_queue, read_assembly, synthesize
from bench.synth_phases import PHASES

GOAL = 2.0
PHASES_SECONDS = 120


def side_by_side(
    apps: Sequence[AppUnderTest], *, rounds: int, measure: Callable[[AppUnderTest], Cost]
) -> list[Cost]:
    """Median cost of each app; one round first that does not count, to warm caches."""
    costs: list[list[Cost]] = [[] for _ in apps]
    for turn in range(rounds + 1):
        for app, taken in zip(apps, costs, strict=True):
            cost = measure(app)
            if turn:
                taken.append(cost)
        print(f"  round {turn} of {rounds}", file=sys.stderr, flush=True)
    return [
        Cost(
            wall=median(each.wall for each in taken),
            cpu=median(each.cpu for each in taken),
        )
        for taken in costs
    ]


def ratio_of(costs: Sequence[Cost]) -> float:
    """CPU of the second app in units of the first."""
    return costs[1].cpu / costs[0].cpu


def report(title: str, apps: Sequence[AppUnderTest], costs: Sequence[Cost]) -> None:
    """Print one comparison."""
    print(title)
    for app, cost in zip(apps, costs, strict=True):
        print(f"  {app.name:<12} {cost.cpu:>6.2f} s CPU {cost.wall:>6.2f} s wall")
    wall = costs[1].wall / costs[0].wall
    print(f"  {'ratio':<12} {ratio_of(costs):>6.2f}       {wall:>6.2f}", flush=True)


def phases(rounds: int) -> dict[str, float]:
    """Median seconds of each phase inside app.py."""
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-m", "bench.synth_phases"],
                cwd=REPOSITORY,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=PHASES_SECONDS,
                check=True,
            ).stdout
        )
        for _ in range(rounds)
    ]
    return {name: median(each[name] for each in found) for name in PHASES}


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.synth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    rounds = parser.parse_args(arguments).rounds
    try:
        with tempfile.TemporaryDirectory() as folder:
            apps = (one_queue(Path(folder)), groundwork())
            costs = side_by_side(apps, rounds=rounds, measure=synthesize)
            report(f"cdk synth, median of {rounds} rounds", apps, costs)
            few = max(1, rounds // 2)
            alone = side_by_side(apps, rounds=few, measure=read_assembly)
            report("the CLI alone, of a finished cloud assembly", apps, alone)
            validated = side_by_side(
                apps, rounds=few, measure=lambda app: synthesize(app, validation=True)
            )
            report("cdk synth with template validation", apps, validated)
            print("inside app.py, wall")
            for name, seconds in phases(few).items():
                print(f"  {name:<16} {seconds:>6.2f} s", flush=True)
    except SynthError as error:
        print(error, file=sys.stderr)
        return 1
    if ratio_of(costs) > GOAL:
        print(
            f"The ratio of CPU time is above {GOAL}: look for imports of unused submodules and for "
            "properties that are read through jsii again and again.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
