"""Launching, scaling in, zones, purchase options, limits."""

from __future__ import annotations

from collections import Counter

import pytest

from local.fleet.group import PENDING_SECONDS, GroupError
from local.fleet.instance import IN_SERVICE, ON_DEMAND, PENDING, SPOT
from tests.fleet.world import World


def test_a_launched_instance_is_pending_until_ec2_runs_it_and_warm_later() -> None:
    world = World()
    world.group.set_desired(1, cause="the test")
    world.pass_time(PENDING_SECONDS - 5)
    assert world.states() == [PENDING]
    world.pass_time(10)
    assert world.states() == [IN_SERVICE]
    assert world.group.state().warming == 1
    world.pass_time(120)
    assert world.group.state().warming == 0


def test_the_desired_capacity_stays_within_the_limits() -> None:
    world = World(minimum=1, desired=1, maximum=3)
    with pytest.raises(GroupError, match="above max value 3"):
        world.group.set_desired(4, cause="the test")
    with pytest.raises(GroupError, match="below min value 1"):
        world.group.set_desired(0, cause="the test")


def test_instances_spread_evenly_over_the_zones() -> None:
    world = World()
    assert Counter(each.zone for each in world.grow(5)) == {"eu-west-1a": 3, "eu-west-1b": 2}


def test_scale_in_keeps_the_zones_even() -> None:
    world = World()
    world.grow(4)
    world.group.set_desired(2, cause="the test")
    world.pass_time(10)
    assert Counter(each.zone for each in world.instances) == {"eu-west-1a": 1, "eu-west-1b": 1}


def test_the_on_demand_base_comes_first_and_the_rest_is_shared_out() -> None:
    world = World(
        distribution={"OnDemandBaseCapacity": 2, "OnDemandPercentageAboveBaseCapacity": 25}
    )
    markets = Counter(each.market for each in world.grow(10))
    assert markets == {ON_DEMAND: 4, SPOT: 6}


def test_spot_instances_take_turns_in_the_instance_types() -> None:
    world = World()
    types = Counter(each.instance_type for each in world.grow(4))
    assert types == {"c7g.medium": 2, "c6g.medium": 2}


def test_a_protected_instance_survives_scale_in() -> None:
    world = World()
    first, second = world.grow(2)
    world.group.protect(first.instance_id, protected=True)
    world.group.set_desired(0, cause="the test")
    world.pass_time(60)
    assert world.instances == [first]
    assert second.instance_id not in world.group.instances


def test_oldest_launch_template_goes_first() -> None:
    world = World(termination_policies=("OldestLaunchTemplate", "Default"), zones=("eu-west-1a",))
    (old,) = world.grow(1)
    world.change(template=old.template.__class__(template_id="lt-1", name="worker", version=2))
    new = next(each for each in world.grow(2) if each is not old)
    world.group.set_desired(1, cause="the test")
    world.pass_time(10)
    assert world.instances == [new]


def test_terminate_in_group_replaces_unless_the_capacity_is_decremented() -> None:
    world = World()
    first, second = world.grow(2)
    world.group.terminate(first.instance_id, decrement=True, cause="the test")
    world.pass_time(60)
    assert world.instances == [second]
    world.group.terminate(second.instance_id, decrement=False, cause="the test")
    world.pass_time(60)
    assert len(world.instances) == 1
    assert second not in world.instances


def test_the_minimum_forbids_a_decrement() -> None:
    world = World(minimum=1, desired=1)
    world.pass_time(60)
    with pytest.raises(GroupError, match="min size constraint"):
        world.group.terminate(world.instances[0].instance_id, decrement=True, cause="the test")


def test_activities_tell_launches_and_terminations_newest_first() -> None:
    world = World()
    world.grow(1)
    world.group.set_desired(0, cause="the test said so")
    world.pass_time(10)
    newest, oldest = world.activities.of("workers")
    assert (newest.status, newest.cause) == ("Successful", "the test said so")
    assert oldest.description.startswith("Launching")
    assert oldest.progress == newest.progress == 100
