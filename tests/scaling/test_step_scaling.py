"""Step scaling against the worked example of the EC2 Auto Scaling User Guide."""

from __future__ import annotations

import pytest

from local.scaling.group import GroupState
from local.scaling.step_scaling import AdjustmentType, Step, StepScaling

# https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html: threshold 50.
OUT = StepScaling(
    adjustment_type=AdjustmentType.PERCENT,
    steps=(
        Step(lower=0, upper=10, adjustment=0),
        Step(lower=10, upper=20, adjustment=10),
        Step(lower=20, upper=None, adjustment=30),
    ),
)
IN = StepScaling(
    adjustment_type=AdjustmentType.PERCENT,
    steps=(
        Step(lower=-10, upper=0, adjustment=0),
        Step(lower=-20, upper=-10, adjustment=-10),
        Step(lower=None, upper=-20, adjustment=-30),
    ),
)


def group(in_service: int, **counts: int) -> GroupState:
    return GroupState(
        **{
            "minimum": 0,
            "maximum": 100,
            "desired": in_service,
            "in_service": in_service,
            **counts,
        }
    )


@pytest.mark.parametrize(
    ("policy", "in_service", "metric", "expected"),
    [
        (OUT, 10, 59, 10),
        (OUT, 10, 60, 11),
        (OUT, 11, 70, 14),
        (IN, 14, 41, 14),
        (IN, 14, 40, 13),
        (IN, 13, 30, 10),
    ],
)
def test_the_worked_example(
    policy: StepScaling, in_service: int, metric: float, expected: int
) -> None:
    assert policy.scaled(group(in_service), metric=metric, threshold=50) == expected


def test_repeated_breaches_while_warming_up_add_up_to_one_change() -> None:
    warming = group(11, warming=1)
    assert OUT.scaled(warming, metric=62, threshold=50) == 11
    assert OUT.scaled(warming, metric=70, threshold=50) == 13


@pytest.mark.parametrize(
    ("percent", "in_service", "expected"),
    [(67, 1, 2), (127, 10, 22), (-58, 1, 0), (-66, 10, 4)],
)
def test_percentages_round_towards_zero_but_not_to_it(
    percent: int, in_service: int, expected: int
) -> None:
    policy = StepScaling(
        adjustment_type=AdjustmentType.PERCENT,
        steps=(Step(lower=0, upper=None, adjustment=percent),),
    )
    assert policy.scaled(group(in_service), metric=1, threshold=0) == expected


def test_minimum_magnitude() -> None:
    policy = StepScaling(
        adjustment_type=AdjustmentType.PERCENT,
        steps=(Step(lower=0, upper=None, adjustment=25),),
        minimum_magnitude=2,
    )
    assert policy.scaled(group(4), metric=1, threshold=0) == 6


def test_exact_capacity_and_limits() -> None:
    policy = StepScaling(
        adjustment_type=AdjustmentType.EXACT,
        steps=(Step(lower=0, upper=None, adjustment=5),),
    )
    assert policy.scaled(group(3), metric=1, threshold=0) == 5
    assert policy.scaled(group(3, maximum=4), metric=1, threshold=0) == 4
    assert policy.scaled(group(9), metric=1, threshold=0) == 5
    assert policy.scaled(group(9, pending=1), metric=1, threshold=0) == 9


def test_an_empty_group_wakes_once() -> None:
    policy = StepScaling(
        adjustment_type=AdjustmentType.CHANGE,
        steps=(
            Step(lower=0, upper=100, adjustment=1),
            Step(lower=100, upper=None, adjustment=4),
        ),
    )
    assert policy.scaled(group(0), metric=7, threshold=0) == 1
    assert policy.scaled(group(0, desired=1, pending=1), metric=7, threshold=0) == 1
    assert policy.scaled(group(0, desired=1, pending=1), metric=500, threshold=0) == 4


def test_no_step_no_change() -> None:
    policy = StepScaling(
        adjustment_type=AdjustmentType.CHANGE, steps=(Step(lower=10, upper=None, adjustment=1),)
    )
    assert policy.scaled(group(2), metric=5, threshold=0) == 2
