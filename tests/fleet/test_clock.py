from __future__ import annotations

import pytest

from local.fleet.clock import AwsClock
from tests.fleet.world import START


class Wall:
    now = START

    def __call__(self) -> float:
        return self.now


def test_time_runs_faster_and_back_and_forth_agree() -> None:
    wall = Wall()
    clock = AwsClock(scale=60, wall=wall)
    wall.now += 10
    assert clock.now() == pytest.approx(START + 600)
    assert clock.wall_at(START + 300) == pytest.approx(START + 5)
    assert clock.at(START - 100) == START - 100


def test_a_new_scale_counts_from_now_on() -> None:
    wall = Wall()
    clock = AwsClock(scale=1, wall=wall)
    wall.now += 100
    clock.set_scale(10)
    wall.now += 10
    assert clock.now() == pytest.approx(START + 200)
    assert clock.at(START + 50) == pytest.approx(START + 50)
    assert clock.wall_at(START + 150) == pytest.approx(START + 105)


def test_what_programs_have_to_answer_is_compressed_at_most_fourfold() -> None:
    assert AwsClock(scale=2).notice_scale == 2
    assert AwsClock(scale=120).notice_scale == 4
    assert AwsClock(scale=0.5).notice_scale == 1


@pytest.mark.parametrize("scale", [0, -1, 3601])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="must be above 0 and at most 3600"):
        AwsClock(scale=scale)
