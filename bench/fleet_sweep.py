"""Vary the policy's numbers, to choose the defaults."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from bench.fleet_loads import Load
from bench.fleet_measures import Measures
from bench.fleet_template import Fleet
from bench.fleet_world import Delays, Run
from local.scaling.alarms import AlarmRule, Comparison, MissingData
from local.scaling.policy_spec import AlarmSpec, PolicySpec
from local.scaling.step_scaling import AdjustmentType, Step, StepScaling

LOADS = ("step", "ramp", "spike", "diurnal", "spot-loss", "wake", "trickle")
LATENCIES = (60, 120, 180, 300, 600, 1200)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
WARMUPS = (0, 60, 120, 180, 300, 600)
REMOVED = (10, 1)
RESTS = (3, 5, 10)
BURSTS = (1.5, 2.0)
WAKES = {"1": (1,), "everything": (1000,)}
LATE_SECONDS = (0, 120)
SENT = re.compile(r"([0-9.]+) \* FILL\(sent, 0\)")
GUARD = re.compile(r"IF\(visible >= 0, (.*)\)")
Simulate = Callable[..., tuple[Run, Measures]]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A fleet that differs from the template in one way, and the world it lives in.

    `work` is what a message really takes, in units of what the settings say it takes.
    """

    name: str
    fleet: Fleet
    delays: Delays = field(default_factory=Delays)
    work: float = 1.0


def tracking(fleet: Fleet) -> PolicySpec:
    """The fleet's target-tracking policy."""
    return next(policy for policy in fleet.scaling.policies if policy.tracking)


def with_tracking(fleet: Fleet, policy: PolicySpec) -> Fleet:
    """The fleet with another target-tracking policy."""
    policies = tuple(policy if each.tracking else each for each in fleet.scaling.policies)
    return replace(fleet, scaling=replace(fleet.scaling, policies=policies))


def metric_math(fleet: Fleet) -> str:
    """What the target-tracking policy looks at."""
    metric = tracking(fleet).metric
    assert metric is not None
    return metric.expressions[metric.returned]


def anticipated_seconds(fleet: Fleet) -> float:
    """How much of the future's arrivals the fleet counts as backlog."""
    found = SENT.search(metric_math(fleet))
    if found is None:
        raise ValueError(
            "the policy counts no arrivals (fleet.anticipated_share is 0), so the sweep has "
            "nothing to vary; sweep a stage where it is above 0"
        )
    return float(found.group(1)) * 60


def with_numbers(fleet: Fleet, **numbers: float | int | None) -> Fleet:
    """The fleet with other numbers in its target tracking."""
    policy = tracking(fleet)
    assert policy.tracking is not None
    changed = replace(policy.tracking, **numbers)  # type: ignore[arg-type]
    return with_tracking(fleet, replace(policy, tracking=changed))


def with_expression(fleet: Fleet, change: Callable[[str], str]) -> Fleet:
    """The fleet with a changed metric-math expression to track."""
    policy = tracking(fleet)
    assert policy.metric is not None
    name = policy.metric.returned
    expression = change(policy.metric.expressions[name])
    metric = replace(policy.metric, expressions={name: expression})
    return with_tracking(fleet, replace(policy, metric=metric))


def with_anticipation(fleet: Fleet, seconds: float) -> Fleet:
    """The fleet with the arrivals of so many seconds counted as backlog."""
    return with_expression(
        fleet, lambda text: SENT.sub(f"{seconds / 60:.6f} * FILL(sent, 0)", text)
    )


def without_guard(fleet: Fleet) -> Fleet:
    """The fleet with an expression that takes what SQS has not reported yet for an empty queue."""
    return with_expression(fleet, lambda text: GUARD.sub(r"\1", text))


def with_warmup(fleet: Fleet, seconds: int) -> Fleet:
    """The fleet with another default warm-up."""
    group = replace(fleet.scaling.group, warmup_seconds=seconds)
    return replace(fleet, scaling=replace(fleet.scaling, group=group))


def with_rest(fleet: Fleet, minutes: int | None) -> Fleet:
    """The fleet with another patience before it rests; None for a fleet that never does."""
    policies = []
    for policy in fleet.scaling.policies:
        rests = policy.stepping and policy.stepping.adjustment_type is AdjustmentType.EXACT
        if rests and minutes is None:
            continue
        if rests and minutes:
            alarms = tuple(
                replace(
                    alarm,
                    rule=replace(
                        alarm.rule, evaluation_periods=minutes, datapoints_to_alarm=minutes
                    ),
                )
                for alarm in policy.alarms
            )
            policy = replace(policy, alarms=alarms)
        policies.append(policy)
    return replace(fleet, scaling=replace(fleet.scaling, policies=tuple(policies)))


def with_burst(fleet: Fleet, factor: float) -> Fleet:
    """The fleet with a policy that doubles it, and more, after one minute of a high backlog."""
    metric = tracking(fleet).metric
    assert metric is not None
    high = factor * fleet.target
    alarm = AlarmSpec(
        name="burst",
        metric=metric,
        rule=AlarmRule(
            threshold=high,
            comparison=Comparison.ABOVE,
            evaluation_periods=1,
            datapoints_to_alarm=1,
            missing_data=MissingData.NOT_BREACHING,
        ),
        actions=("burst",),
    )
    grows = StepScaling(
        adjustment_type=AdjustmentType.PERCENT,
        steps=tuple(
            Step(lower=lower, upper=upper, adjustment=round(100 * (times * factor - 1)))
            for lower, upper, times in ((0, high, 1), (high, 3 * high, 2), (3 * high, None, 4))
        ),
    )
    added = PolicySpec(name="burst", arn="burst", stepping=grows, alarms=(alarm,))
    policies = (*fleet.scaling.policies, added)
    return replace(fleet, scaling=replace(fleet.scaling, policies=policies))


def with_wake(fleet: Fleet, instances: Sequence[int]) -> Fleet:
    """The fleet with other numbers of instances to wake up with, for growing backlogs."""
    policies = []
    for policy in fleet.scaling.policies:
        if policy.stepping and policy.stepping.adjustment_type is AdjustmentType.CHANGE:
            bounds = [0.0, *(fleet.target * 4**power for power in range(len(instances) - 1))]
            steps = tuple(
                Step(lower=lower, upper=upper, adjustment=adjustment)
                for lower, upper, adjustment in zip(
                    bounds, [*bounds[1:], None], instances, strict=True
                )
            )
            policy = replace(policy, stepping=replace(policy.stepping, steps=steps))
        policies.append(policy)
    return replace(fleet, scaling=replace(fleet.scaling, policies=tuple(policies)))


def variants(fleet: Fleet, rate: float) -> Iterator[Variant]:
    """What is compared, one difference from the template at a time."""
    yield Variant(name="as it is", fleet=fleet)
    yield from _targets(fleet, rate)
    yield from _policies(fleet)
    yield from _worlds(fleet)


def _targets(fleet: Fleet, rate: float) -> Iterator[Variant]:
    latency = fleet.target / rate
    share = anticipated_seconds(fleet) / latency
    for seconds in LATENCIES:
        changed = with_numbers(with_anticipation(fleet, share * seconds), target=seconds * rate)
        yield Variant(name=f"latency {seconds} s", fleet=changed)
    for other in SHARES:
        changed = with_anticipation(fleet, other * latency)
        yield Variant(name=f"anticipates {other:.0%}", fleet=changed)
        for work in (0.5, 2.0):
            yield Variant(name=f"  messages take {work:g}x", fleet=changed, work=work)


def _policies(fleet: Fleet) -> Iterator[Variant]:
    for warmup in WARMUPS:
        yield Variant(name=f"warm-up {warmup} s", fleet=with_warmup(fleet, warmup))
    yield Variant(name="never rests", fleet=with_rest(fleet, None))
    for minutes in RESTS:
        yield Variant(name=f"rests after {minutes} min", fleet=with_rest(fleet, minutes))
    for factor in BURSTS:
        yield Variant(name=f"burst at {factor} targets", fleet=with_burst(fleet, factor))
    for name, instances in WAKES.items():
        yield Variant(name=f"wakes with {name}", fleet=with_wake(fleet, instances))


def _worlds(fleet: Fleet) -> Iterator[Variant]:
    """What we do not know of AWS, or cannot choose."""
    for warmup in (120, 240):
        changed, slow = with_warmup(fleet, warmup), Delays(boot=180)
        yield Variant(name=f"boot 180, warm-up {warmup}", fleet=changed, delays=slow)
    for removed in REMOVED:
        changed = with_numbers(fleet, most_removed=removed)
        yield Variant(name=f"removes {removed} a minute", fleet=changed)
    for late in LATE_SECONDS:
        delays = Delays(queue_metric=late, group_metric=late)
        yield Variant(name=f"data {late} s late", fleet=fleet, delays=delays)
    for name, changed in (("unguarded", without_guard(fleet)), ("guarded", fleet)):
        yield Variant(name=f"SQS later, {name}", fleet=changed, delays=Delays(queue_metric=120))


def sweep(
    fleet: Fleet,
    phases: Sequence[Mapping[str, Load]],
    *,
    seconds_per_message: float,
    simulate: Simulate,
) -> None:
    """Print one line per variant: means over the phases, and the longest wait of all."""
    print("p95 wait in s, longest wait in s, paid beyond need, turns; * not finished")
    print(f"{'':<24} " + " | ".join(f"{load:<22}" for load in LOADS))
    rate = fleet.concurrency / seconds_per_message
    for variant in variants(fleet, rate):
        cells = []
        for load in LOADS:
            results = [
                simulate(
                    variant.fleet,
                    chosen[load],
                    seconds_per_message=seconds_per_message * variant.work,
                    delays=variant.delays,
                )[1]
                for chosen in phases
            ]
            cells.append(_cell(results))
        print(f"{variant.name:<24} " + " | ".join(cells), flush=True)


def _cell(results: Sequence[Measures]) -> str:
    return (
        f"{fmean(each.service.wait_95 for each in results):>5.0f}"
        f" {max(each.service.wait_longest for each in results):>5.0f}"
        f" {_share(fmean(each.over for each in results)):>6}"
        f" {fmean(each.turns for each in results):>3.0f}"
        f"{' ' if all(each.service.finished for each in results) else '*'}"
    )


def _share(over: float) -> str:
    return f"{over:.0%}" if over < 10 else f"{over + 1:,.0f}x"
