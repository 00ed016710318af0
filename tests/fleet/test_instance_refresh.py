"""Rolling replacement after a change of the launch template."""

from __future__ import annotations

import pytest

from local.fleet.group import GroupError
from local.fleet.instance import IN_SERVICE
from local.fleet.instance_refresh import InstanceRefresh, RefreshPreferences
from tests.fleet.world import SECOND_TEMPLATE, World

PREFERENCES = RefreshPreferences(minimum_percent=90, maximum_percent=120, warmup_seconds=120.0)


def refreshed(
    count: int, preferences: RefreshPreferences = PREFERENCES, seconds: float = 3000
) -> tuple[World, InstanceRefresh, list[int], list[int]]:
    """The world after a refresh, and how many instances worked and existed at each moment."""
    world = World()
    world.grow(count)
    world.change(template=SECOND_TEMPLATE)
    refresh = world.group.start_refresh(preferences)
    working, existing = [], []
    for _ in range(int(seconds / 5)):
        world.pass_time(5)
        working.append(world.group.state().in_service)
        existing.append(sum(not each.leaving for each in world.instances))
        if not refresh.active:
            break
    return world, refresh, working, existing


@pytest.mark.parametrize("count", [1, 2, 4, 10])
def test_all_are_replaced_and_the_capacity_holds(count: int) -> None:
    world, refresh, working, existing = refreshed(count)
    assert refresh.status == "Successful"
    assert refresh.percent == 100
    assert {each.template.version for each in world.instances} == {2}
    assert world.states() == [IN_SERVICE] * count
    assert min(working) >= 0.9 * count
    assert max(existing) <= max(1.2 * count, count + 1)


def test_ten_are_replaced_in_batches() -> None:
    world, refresh, _, existing = refreshed(10)
    assert max(existing) == 12
    assert refresh.total == 10
    assert world.ec2.count == 20


def test_a_maximum_of_100_ends_old_ones_first() -> None:
    preferences = RefreshPreferences(minimum_percent=50, maximum_percent=100)
    _, refresh, working, existing = refreshed(4, preferences)
    assert refresh.status == "Successful"
    assert min(working) == 2
    assert max(existing) == 4


def test_a_group_that_can_spare_none_still_moves_one_at_a_time() -> None:
    preferences = RefreshPreferences(minimum_percent=90, maximum_percent=100)
    _, refresh, working, _ = refreshed(2, preferences)
    assert refresh.status == "Successful"
    assert min(working) == 1


def test_an_empty_group_has_nothing_to_do() -> None:
    world = World()
    assert world.group.start_refresh(PREFERENCES).status == "Successful"


def test_a_second_refresh_is_refused_while_one_runs() -> None:
    world = World()
    world.grow(2)
    world.group.start_refresh(PREFERENCES)
    with pytest.raises(GroupError, match="already in progress"):
        world.group.start_refresh(PREFERENCES)
    assert world.group.cancel_refresh().status == "Cancelled"
    with pytest.raises(GroupError, match="No active Instance Refresh"):
        world.group.cancel_refresh()


def test_new_code_that_does_not_start_fails_the_refresh_and_keeps_the_old_instances() -> None:
    world = World()
    old = world.grow(4)
    world.change(template=SECOND_TEMPLATE)
    world.ec2.broken = True
    refresh = world.group.start_refresh(PREFERENCES)
    world.pass_time(3800, step=10)
    assert refresh.status == "Failed"
    assert [each for each in old if each in world.instances] == old


def test_skip_matching_leaves_what_is_new_already() -> None:
    world = World()
    world.grow(2)
    refresh = world.group.start_refresh(RefreshPreferences(skip_matching=True))
    assert refresh.total == 0
    assert refresh.status == "Successful"


def test_the_group_scales_while_it_is_refreshed() -> None:
    world = World()
    world.grow(2)
    world.change(template=SECOND_TEMPLATE)
    refresh = world.group.start_refresh(PREFERENCES)
    world.pass_time(60)
    world.group.set_desired(5, cause="the test")
    world.pass_time(1500)
    assert refresh.status == "Successful"
    assert [each.template.version for each in world.instances] == [2] * 5
