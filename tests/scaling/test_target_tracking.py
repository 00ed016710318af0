"""Capacity arithmetic of target tracking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.scaling.group import GroupState
from local.scaling.target_tracking import TargetTracking

TRACKING = TargetTracking(target=100)


def group(**counts: int) -> GroupState:
    in_service = counts.get("in_service", 0)
    return GroupState(**{"minimum": 0, "maximum": 50, "desired": in_service, **counts})


@pytest.mark.parametrize(
    ("in_service", "metric", "expected"),
    [(1, 150, 2), (3, 150, 5), (4, 100.0000000001, 4), (10, 1000, 50), (2, 101, 3)],
)
def test_scales_out_in_proportion_and_rounds_up(
    in_service: int, metric: float, expected: int
) -> None:
    assert TRACKING.scaled_out(group(in_service=in_service), metric) == expected


@pytest.mark.parametrize(
    ("in_service", "metric", "expected"), [(4, 62.5, 3), (4, 50, 2), (4, 0, 0), (4, 89, 4)]
)
def test_scales_in_in_proportion_and_keeps_fractions(
    in_service: int, metric: float, expected: int
) -> None:
    assert TRACKING.scaled_in(group(in_service=in_service), metric) == expected


def test_warming_instances_are_not_capacity_when_scaling_out() -> None:
    state = group(in_service=4, warming=2, desired=6)
    assert TRACKING.scaled_out(state, 200) == 6
    assert TRACKING.scaled_out(state, 400) == 8


def test_terminating_instances_are_capacity_when_scaling_in() -> None:
    assert TRACKING.scaled_in(group(in_service=2, terminating=2), 50) == 2
    assert TRACKING.scaled_in(group(in_service=2, terminating=0), 50) == 1


@pytest.mark.parametrize("busy", [{"pending": 1}, {"warming": 1}, {"desired": 5}])
def test_no_scale_in_while_a_scale_out_is_in_progress(busy: dict[str, int]) -> None:
    state = group(in_service=4, **busy)
    assert TRACKING.scaled_in(state, 10) == state.desired


def test_no_scale_in_when_disabled() -> None:
    tracking = TargetTracking(target=100, disable_scale_in=True)
    assert tracking.scaled_in(group(in_service=4), 10) == 4


def test_scale_in_can_be_limited_per_decision() -> None:
    tracking = TargetTracking(target=100, most_removed=1)
    assert tracking.scaled_in(group(in_service=4), 0) == 3


def test_nothing_is_proportional_to_an_empty_group() -> None:
    assert TRACKING.scaled_out(group(in_service=0), 1e9) == 0


def test_limits_of_the_group_hold() -> None:
    assert TRACKING.scaled_out(group(in_service=4, maximum=6), 1000) == 6
    assert TRACKING.scaled_in(group(in_service=4, minimum=3), 0) == 3


def test_the_alarms_leave_a_margin_and_scale_in_slowly() -> None:
    assert (TRACKING.high_alarm.threshold, TRACKING.high_alarm.evaluation_periods) == (100, 3)
    assert (TRACKING.low_alarm.threshold, TRACKING.low_alarm.evaluation_periods) == (90, 15)


states = st.builds(
    lambda warm, warming, terminating, extra: GroupState(
        minimum=0,
        maximum=10_000,
        desired=warm + warming + extra,
        in_service=warm + warming,
        warming=warming,
        terminating=terminating,
    ),
    *[st.integers(0, 50)] * 4,
)


@given(states, st.floats(0, 1e4))
def test_direction_is_never_wrong(state: GroupState, metric: float) -> None:
    assert TRACKING.scaled_out(state, metric) >= state.desired
    assert TRACKING.scaled_in(state, metric) <= state.desired


@given(states, st.floats(0, 90))
def test_scaling_in_never_lifts_the_load_above_the_target(state: GroupState, metric: float) -> None:
    after = TRACKING.scaled_in(state, metric)
    if after < state.desired:
        assert metric * state.in_service <= 100 * after + 1e-6
