"""What a simulated run cost and how long messages waited, beside the best that was possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.fleet_loads import Load
from bench.fleet_world import Capacity, Delays, Run

DONE_SHARE = 1 - 1e-9
# A c7g.medium in us-east-1, as in docs/costs.md, where spot is taken at 40 % of it.
# https://aws.amazon.com/ec2/pricing/on-demand/
DOLLARS_PER_HOUR = 0.0363
SPOT_SHARE_OF_PRICE = 0.4
Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Service:
    """Seconds that messages waited, first in first out, and from the last arrival to the end."""

    finished: bool
    drained: float
    wait_median: float
    wait_95: float
    wait_longest: float


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Service and cost of one run, beside the service of a fleet that knows the future.

    The `best` fleet starts its maximum with the first message and keeps it until the end. `over` is
    the instance time that was paid beyond what the messages needed, as a share of what they needed;
    `turns` counts how often the desired capacity changed its direction.
    """

    messages: float
    service: Service
    best: Service
    instance_hours: float
    needed_hours: float
    on_demand_share: float
    peak: int
    turns: int

    @property
    def dollars(self) -> float:
        """What the instances cost."""
        spot = 1 - self.on_demand_share
        return self.instance_hours * DOLLARS_PER_HOUR * (1 - spot * (1 - SPOT_SHARE_OF_PRICE))

    @property
    def dollars_beyond_need(self) -> float:
        """What over-provisioning cost: the same mix of instances, above the hours needed."""
        return self.dollars * (1 - self.needed_hours / self.instance_hours)

    @property
    def over(self) -> float:
        """Instance time beyond what was needed, as a share of what was needed."""
        return self.instance_hours / self.needed_hours - 1 if self.needed_hours else float("inf")


def measures(run: Run, *, capacity: Capacity, delays: Delays, maximum: int) -> Measures:
    """Everything about one run."""
    step = run.load.step_seconds
    total = float(run.load.arrivals.sum())
    changes = np.sign(np.diff(run.desired))
    billed = float(run.billed.sum())
    return Measures(
        messages=total,
        service=_service(run.load, run.done),
        best=_service(run.load, _done_by_the_best(run.load, capacity, delays, maximum)),
        instance_hours=billed * step / 3600,
        needed_hours=total / capacity.rate / 3600,
        on_demand_share=float(run.billed_on_demand.sum()) / max(1.0, billed),
        peak=int(run.billed.max()),
        turns=int(np.count_nonzero(np.diff(changes[changes != 0]))),
    )


def _service(load: Load, done: Numbers) -> Service:
    times: Numbers = np.linspace(1, load.arrivals.size, load.arrivals.size) * load.step_seconds
    arrived, served = np.cumsum(load.arrivals), np.cumsum(done)
    total = float(arrived[-1])
    waits = _waits(arrived, served, times)
    order = np.argsort(waits)
    weights = np.cumsum(load.arrivals[order]) / total
    last_arrival = float(times[np.flatnonzero(load.arrivals)[-1]])
    end = float(times[min(times.size - 1, int(np.searchsorted(served, total * DONE_SHARE)))])
    return Service(
        finished=bool(served[-1] >= total * DONE_SHARE),
        drained=max(0.0, end - last_arrival),
        wait_median=float(waits[order][np.searchsorted(weights, 0.5)]),
        wait_95=float(waits[order][np.searchsorted(weights, 0.95)]),
        wait_longest=float(waits.max()),
    )


def _waits(arrived: Numbers, served: Numbers, times: Numbers) -> Numbers:
    """Seconds from the arrival of the last message of each step until it is done."""
    slots = np.searchsorted(served, arrived * DONE_SHARE, side="left")
    ends = times[np.minimum(slots, times.size - 1)]
    waits: Numbers = (ends - times).clip(min=0.0)
    return waits


def _done_by_the_best(load: Load, capacity: Capacity, delays: Delays, maximum: int) -> Numbers:
    """Messages done per step by the fleet that knows the future."""
    step = load.step_seconds
    ready = float(np.flatnonzero(load.arrivals)[0] * step) + delays.launch + delays.boot
    backlog = 0.0
    done = np.zeros(load.arrivals.size)
    for index, amount in enumerate(load.arrivals):
        since = index * step - ready
        launched = delays.launches_at_once + delays.launches_per_second * since
        working = min(maximum, launched) if since >= 0 else 0.0
        backlog += float(amount)
        done[index] = min(backlog, working * capacity.rate * step)
        backlog -= done[index]
    return done
