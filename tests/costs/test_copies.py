"""The replay, on traces small enough to follow by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costs.copies import Assumptions, Outcome, Pings, Provisioned, Replay, Window
from costs.traffic import DAY, HOUR, Traffic

MINUTE = 60.0
ASSUMED = Assumptions(start=1.0, billed_start=0.5, idle_lifetime=600, longest_lifetime=7200)


def replay(*arrivals: float, duration: float = 2.0, days: float = 1, **strategy: Any) -> Outcome:
    traffic = Traffic(arrivals=list(arrivals), durations=[duration] * len(arrivals), days=days)
    return Replay(traffic, ASSUMED, **strategy).run()


def test_the_first_request_is_cold_and_the_next_is_not() -> None:
    outcome = replay(0, 10)
    assert (outcome.requests, outcome.cold, outcome.starts) == (2, 1, 1)
    assert outcome.on_demand_seconds == 2 * 2.0 + 0.5


def test_two_at_once_need_two_copies() -> None:
    assert replay(0, 1).cold == 2
    assert replay(0, 1).most_copies == 2


def test_a_new_copy_is_busy_for_its_start_as_well() -> None:
    assert replay(0, 2.9).cold == 2
    assert replay(0, 3.1).cold == 1


def test_a_copy_without_work_ends() -> None:
    assert replay(0, 3 + 599).cold == 1
    assert replay(0, 3 + 601).cold == 2


def test_a_copy_ends_however_busy_it_is() -> None:
    every_minute = [n * MINUTE for n in range(240)]
    assert replay(*every_minute).cold == 2


def test_of_idle_copies_the_last_used_works_so_that_the_others_end() -> None:
    burst = replay(0, 0, 0, 300, 650, 650)
    assert burst.cold == 3 + 1


def test_pings_keep_a_copy_and_pay_for_it() -> None:
    pings = Pings(copies=1, every=300, hold=0.1)
    outcome = replay(1000, 50_000, pings=pings)
    assert (outcome.cold, outcome.pings) == (0, 288)
    # A start every two hours, since no copy lives longer.
    assert outcome.starts == 12
    assert outcome.on_demand_seconds == pytest.approx(288 * 0.1 + 2 * 2.0 + 12 * 0.5)


def test_parallel_pings_keep_as_many_copies() -> None:
    burst = (1000.0,) * 3
    assert replay(*burst, pings=Pings(copies=3, every=300)).cold == 0
    assert replay(*burst, pings=Pings(copies=1, every=300)).cold == 2


def test_pings_further_apart_than_a_copy_lives_are_in_vain() -> None:
    assert replay(1000, pings=Pings(copies=1, every=900)).cold == 0
    assert replay(1600, pings=Pings(copies=1, every=900)).cold == 1


def test_a_request_while_its_copy_is_held_is_cold() -> None:
    assert replay(300.05, pings=Pings(copies=1, every=300, hold=0.1)).cold == 1


def test_provisioned_copies_are_ready_and_billed_all_the_time() -> None:
    outcome = replay(5, 5, 5, provisioned=Provisioned(least=2, most=2))
    assert (outcome.cold, outcome.starts) == (1, 1)
    assert outcome.provisioned_seconds == 2 * DAY
    assert outcome.provisioned_busy_seconds == 4.0
    assert outcome.on_demand_seconds == 2.5


def test_a_schedule_provisions_more_in_its_hours_on_weekdays() -> None:
    window = Window(first_hour=8, last_hour=20, copies=3)
    provisioned = Provisioned(least=1, most=3, window=window)
    outcome = replay(days=7, provisioned=provisioned)
    assert outcome.provisioned_seconds == 7 * DAY + 5 * 12 * HOUR * 2
    saturday = 5 * DAY + 12 * HOUR
    assert replay(*[12 * HOUR] * 3, provisioned=provisioned).cold == 0
    assert replay(*[saturday] * 3, days=7, provisioned=provisioned).cold == 2


def test_target_tracking_follows_the_load_out_and_in() -> None:
    load = [n * 0.5 for n in range(2 * 3600)]  # four at a time for an hour
    provisioned = Provisioned(least=1, most=10, target=0.7)
    outcome = replay(*load, provisioned=provisioned)
    assert 0 < outcome.cold < 20
    assert outcome.provisioned_seconds < 24 * HOUR + 9 * 2 * HOUR
    later = [at for at in load if at > 1800]
    cold_late = outcome.cold - replay(*load[: len(load) - len(later)], provisioned=provisioned).cold
    assert cold_late == 0
    assert replay(*load, provisioned=Provisioned(least=1, most=2, target=0.7)).cold > 0


@given(
    arrivals=st.lists(st.floats(0, DAY - 1), max_size=60),
    duration=st.floats(0.01, 600),
    copies=st.integers(1, 4),
)
def test_no_strategy_loses_a_request_and_pings_never_make_it_worse(
    arrivals: list[float], duration: float, copies: int
) -> None:
    arrivals.sort()
    plain = replay(*arrivals, duration=duration)
    provisioned = replay(
        *arrivals, duration=duration, provisioned=Provisioned(least=copies, most=copies)
    )
    assert plain.requests == provisioned.requests == len(arrivals)
    assert plain.cold == plain.starts <= len(arrivals)
    assert provisioned.cold <= plain.cold
    assert plain.most_copies >= provisioned.most_copies
