"""The simulated fleet keeps the laws that a real one keeps, and does what the template says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.fleet_loads import Load, loads
from bench.fleet_measures import Measures, measures
from bench.fleet_plot import draw
from bench.fleet_scaling import simulate
from bench.fleet_sweep import anticipated_seconds, variants, with_rest, without_guard
from bench.fleet_template import Fleet
from bench.fleet_world import Capacity, Delays, Run, World

STEP = 10
SECONDS = 0.5
POLICY = "AWS::AutoScaling::ScalingPolicy"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
NAMES = ("step", "ramp", "spike", "trickle", "wake", "spot-loss", "billion")
Template = dict[str, Any]


def chosen(fleet: Fleet) -> Mapping[str, Load]:
    rate = fleet.concurrency / SECONDS
    return loads(full_rate=rate * fleet.scaling.group.maximum, step=STEP)


def played(fleet: Fleet, load: str | Load, delays: Delays | None = None) -> tuple[Run, Measures]:
    which = chosen(fleet)[load] if isinstance(load, str) else load
    return simulate(fleet, which, seconds_per_message=SECONDS, delays=delays or Delays())


def resource(template: Template, kind: str, part: str = "") -> dict[str, Any]:
    return next(
        each["Properties"]
        for name, each in template["Resources"].items()
        if each["Type"] == kind and part in name
    )


def without(part: str) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        for name in [name for name in template["Resources"] if part in name]:
            if template["Resources"][name]["Type"] == POLICY:
                del template["Resources"][name]

    return change


@pytest.mark.parametrize("variant", ["dev", "prod"])
@pytest.mark.parametrize("load", NAMES)
def test_no_message_appears_or_disappears_and_the_limits_hold(
    fleet_of: Callable[..., Fleet], variant: str, load: str
) -> None:
    fleet = fleet_of(variant)
    run, result = played(fleet, load)
    arrived, done = np.cumsum(run.load.arrivals), np.cumsum(run.done)
    assert np.allclose(arrived - done, run.backlog, rtol=1e-9, atol=1e-3)
    assert (run.done >= 0).all()
    maximum = run.load.maximum or fleet.scaling.group.maximum
    minimum = fleet.scaling.group.minimum if run.load.minimum is None else run.load.minimum
    assert run.desired.min() >= minimum
    assert max(run.desired.max(), run.working.max()) <= maximum
    assert result.service.finished
    assert run.desired[-1] == minimum


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    pieces=st.lists(
        st.tuples(st.integers(1, 60), st.floats(0, 40_000)), min_size=1, max_size=6
    ).filter(lambda pieces: any(amount > 1 for _, amount in pieces))
)
def test_any_load_is_served_within_the_limits(
    fleet_of: Callable[..., Fleet], pieces: list[tuple[int, float]]
) -> None:
    fleet = fleet_of("prod")
    arrivals = np.concatenate([np.full(length, amount) for length, amount in pieces])
    load = Load(name="any", arrivals=arrivals, step_seconds=STEP)
    run, result = played(fleet, load)
    assert np.isclose(arrivals.sum() - run.done.sum(), run.backlog[-1], rtol=1e-9, atol=1e-3)
    assert run.desired.max() <= fleet.scaling.group.maximum
    assert run.desired.min() >= fleet.scaling.group.minimum
    assert result.service.wait_95 <= result.service.wait_longest


def test_the_best_fleet_is_never_worse(fleet_of: Callable[..., Fleet]) -> None:
    for load in NAMES:
        _, result = played(fleet_of("prod"), load)
        assert result.best.wait_95 <= result.service.wait_95
        assert result.best.drained <= result.service.drained


def test_an_empty_group_wakes_and_not_without_its_policy(fleet_of: Callable[..., Fleet]) -> None:
    run, result = played(fleet_of("dev"), "step")
    assert run.desired[0] == 0
    assert result.service.finished
    asleep, result = played(fleet_of("dev", without("WakeFromZero")), "step")
    assert asleep.desired.max() == 0
    assert not result.service.finished


def test_two_runs_are_the_same(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of("prod")
    one, other = (played(fleet, "spot-loss")[0] for _ in range(2))
    assert np.array_equal(one.backlog, other.backlog)
    assert np.array_equal(one.billed, other.billed)


def test_the_template_decides(fleet_of: Callable[..., Fleet]) -> None:
    def patient(template: Template) -> None:
        policy = resource(template, POLICY, "BacklogPerInstance")
        policy["TargetTrackingConfiguration"]["TargetValue"] *= 4

    def small(template: Template) -> None:
        resource(template, GROUP)["MaxSize"] = "10"

    def slow_boot(template: Template) -> None:
        resource(template, GROUP)["DefaultInstanceWarmup"] = 1800

    load = chosen(fleet_of("prod"))["step"]
    _, usual = played(fleet_of("prod"), load)
    _, waits = played(fleet_of("prod", patient), load)
    _, limited = played(fleet_of("prod", small), load)
    _, warming = played(fleet_of("prod", slow_boot), load)
    assert waits.peak < usual.peak
    assert waits.service.wait_median > 2 * usual.service.wait_median
    assert limited.peak == 10
    assert warming.instance_hours != usual.instance_hours


def test_late_queue_metrics_blind_an_unguarded_policy(fleet_of: Callable[..., Fleet]) -> None:
    """What the IF around the expression is for."""
    late = Delays(queue_metric=120)
    fleet = fleet_of("prod")
    _, guarded = played(fleet, "step", late)
    blind, result = played(without_guard(fleet), "step", late)
    assert guarded.service.finished
    assert guarded.service.wait_95 < 600
    assert blind.desired.max() == fleet.scaling.group.minimum
    assert not result.service.finished


def test_an_idle_fleet_rests_after_its_minutes(fleet_of: Callable[..., Fleet]) -> None:
    def idle_minutes(fleet: Fleet) -> float:
        run, _ = played(fleet, "wake")
        done = int(np.flatnonzero(run.done)[-1])
        small = done + int(np.flatnonzero(run.desired[done:] == run.load.minimum)[0])
        return (small - done) * STEP / 60

    fleet = fleet_of("dev")
    patience = next(
        alarm.rule.evaluation_periods
        for policy in fleet.scaling.policies
        for alarm in policy.alarms
        if "NothingToDo" in alarm.name
    )
    assert patience <= idle_minutes(fleet) <= patience + 4
    assert idle_minutes(with_rest(fleet, None)) > patience + 5


def test_spot_instances_that_go_are_missed_and_replaced(fleet_of: Callable[..., Fleet]) -> None:
    run, _ = played(fleet_of("prod"), "spot-loss")
    (first, _), *_ = run.load.spot_losses
    before = run.working[first // STEP - 1]
    lost = run.working[first // STEP : (first + 600) // STEP].min()
    assert lost < 0.7 * before
    assert run.working[(first + 600) // STEP :].max() >= before


def test_a_queue_that_cloudwatch_forgot_keeps_the_first_message_waiting(
    fleet_of: Callable[..., Fleet],
) -> None:
    fleet = fleet_of("dev")
    load = chosen(fleet)["trickle"]
    _, forgotten = played(fleet, load)
    _, known = played(fleet, replace(load, asleep=False))
    assert forgotten.service.wait_longest >= known.service.wait_longest + 600


def test_waits_are_first_in_first_out() -> None:
    """Ten messages at once; five are done in the second step and five in the third."""
    load = Load(name="hand", arrivals=np.array([10.0, 0, 0, 0]), step_seconds=60)
    counts = np.ones(4, dtype=np.int64)
    run = Run(
        load=load,
        done=np.array([0, 5.0, 5.0, 0]),
        backlog=np.array([10.0, 5, 0, 0]),
        desired=np.array([1, 2, 1, 2]),
        working=counts,
        billed_on_demand=counts,
        billed_spot=counts,
    )
    capacity = Capacity(rate=1 / 12, in_hand=1)
    result = measures(run, capacity=capacity, delays=Delays(), maximum=1)
    assert result.service.wait_longest == 120
    assert result.service.drained == 120
    assert result.turns == 2
    assert result.instance_hours == pytest.approx(8 / 60)
    assert result.needed_hours == pytest.approx(2 / 60)
    assert result.over == pytest.approx(3)
    assert result.dollars == pytest.approx(8 / 60 * 0.0363 * 0.7)
    assert result.dollars_beyond_need == pytest.approx(result.dollars * 0.75)


def test_launches_are_limited_as_ec2_limits_them(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of("prod")
    run, _ = played(fleet, "billion")
    grown = np.diff(run.working)
    assert run.working.max() == 5000
    assert grown.max() <= 1000
    assert np.percentile(grown[grown > 0], 50) <= 2 * STEP


def test_the_sweep_changes_one_thing_at_a_time(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of("prod")
    rate = fleet.concurrency / SECONDS
    found = {variant.name: variant for variant in variants(fleet, rate)}
    assert found["as it is"].fleet == fleet
    assert anticipated_seconds(found["anticipates 100%"].fleet) == pytest.approx(300)
    assert found["latency 60 s"].fleet.target == 60 * rate
    same = [
        name
        for name, variant in found.items()
        if variant.fleet == fleet and variant.delays == Delays() and variant.work == 1
    ]
    assert len(same) <= 5, same


def test_the_plot_is_drawn(fleet_of: Callable[..., Fleet], tmp_path: Any) -> None:
    fleet = fleet_of("dev")
    runs = [played(fleet, name)[0] for name in ("step", "wake", "trickle")]
    draw(runs, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_world_without_messages_stays_at_its_minimum(fleet_of: Callable[..., Fleet]) -> None:
    fleet = fleet_of("prod")
    load = Load(name="nothing", arrivals=np.zeros(360), step_seconds=STEP)
    capacity = Capacity(rate=16, in_hand=16)
    run = World(fleet.scaling, load, capacity=capacity, delays=Delays()).run()
    assert set(run.desired) == {fleet.scaling.group.minimum}
