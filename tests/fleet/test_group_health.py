"""Instances that die, fall ill, age, or are taken back by Spot."""

from __future__ import annotations

import json

import pytest

from local.fleet.group import GroupError
from local.fleet.instance import IN_SERVICE, TERMINATING_WAIT
from local.fleet.metadata_items import metadata_items
from tests.fleet.world import DRAIN, World


def test_a_dead_instance_is_replaced_at_the_next_health_check() -> None:
    world = World()
    dead, alive = world.grow(2)
    world.group.kill(dead.instance_id)
    world.pass_time(200)
    assert alive in world.instances
    assert dead not in world.instances
    assert world.states() == [IN_SERVICE, IN_SERVICE]
    assert world.kinds().count("unhealthy") == 1


def test_the_hook_of_a_dead_instance_does_not_hold_up_its_replacement() -> None:
    world = World(hooks=(DRAIN,))
    (dead,) = world.grow(1)
    world.group.kill(dead.instance_id)
    world.pass_time(120)
    assert world.states() == [IN_SERVICE, TERMINATING_WAIT]
    world.pass_time(120)
    assert world.states() == [IN_SERVICE]


def test_an_instance_reported_unhealthy_is_replaced() -> None:
    world = World()
    (ill,) = world.grow(1)
    world.group.set_health(ill.instance_id, healthy=False, respect_grace=True)
    world.pass_time(150)
    assert ill not in world.instances
    assert world.states() == [IN_SERVICE]


def test_the_grace_period_forgives_an_early_report_but_not_a_death() -> None:
    world = World(grace_seconds=1000.0)
    ill, dead = world.grow(2)
    world.group.set_health(ill.instance_id, healthy=False, respect_grace=True)
    world.group.kill(dead.instance_id)
    world.pass_time(150)
    assert ill in world.instances
    assert dead not in world.instances
    world.group.set_health(ill.instance_id, healthy=False, respect_grace=False)
    world.pass_time(150)
    assert ill not in world.instances


def test_instances_that_fail_to_set_up_are_replaced_without_a_rush() -> None:
    world = World()
    world.ec2.broken = True
    world.group.set_desired(1, cause="the test")
    world.pass_time(600)
    assert 3 <= world.ec2.count <= 8


def test_an_old_instance_is_replaced_one_at_a_time() -> None:
    world = World(longest_life_seconds=1000.0)
    old = world.grow(3)
    world.pass_time(830, step=10)
    gone = [each for each in old if each not in world.instances]
    assert len(gone) == 1
    world.pass_time(600, step=10)
    assert not set(map(id, old)) & set(map(id, world.instances))
    assert world.group.state().in_service == 3


def spot_fleet(**config: object) -> World:
    world = World(hooks=(DRAIN,), capacity_rebalance=True, **config)  # type: ignore[arg-type]
    world.grow(2)
    return world


def test_a_rebalance_recommendation_brings_the_replacement_first() -> None:
    world = spot_fleet()
    at_risk = world.instances[0]
    world.group.recommend_rebalance(at_risk.instance_id)
    world.pass_time(20)
    assert len(world.instances) == 3
    assert at_risk.state == IN_SERVICE
    world.pass_time(30)
    assert at_risk.state == TERMINATING_WAIT
    world.group.complete(at_risk.instance_id, hook="drain", token="", result="CONTINUE")
    world.pass_time(120)
    assert world.states() == [IN_SERVICE, IN_SERVICE]
    assert at_risk not in world.instances


def test_rebalancing_may_exceed_the_maximum_by_a_tenth() -> None:
    world = spot_fleet(maximum=2)
    for instance in world.instances:
        world.group.recommend_rebalance(instance.instance_id)
    world.pass_time(20)
    assert len(world.instances) == 3


def test_without_capacity_rebalancing_nothing_happens_before_the_interruption() -> None:
    world = World()
    first, _ = world.grow(2)
    world.group.recommend_rebalance(first.instance_id)
    world.pass_time(300)
    assert first in world.instances
    assert len(world.instances) == 2


def test_a_spot_interruption_gives_two_minutes_and_then_takes_the_instance() -> None:
    world = spot_fleet()
    taken = world.instances[0]
    item = metadata_items(taken, region="eu-west-1", ip="10.0.0.1")
    assert item("spot/instance-action") is None
    world.group.interrupt(taken.instance_id)
    notice = json.loads(item("spot/instance-action") or "")
    assert notice["action"] == "terminate"
    assert item("events/recommendations/rebalance") is not None
    world.pass_time(110)
    assert world.machine(taken).told == []
    world.pass_time(15)
    assert world.machine(taken).told == ["kill"]
    world.pass_time(300)
    assert taken not in world.instances
    assert world.states() == [IN_SERVICE, IN_SERVICE]


def test_only_spot_instances_are_interrupted() -> None:
    world = World(distribution={})
    (instance,) = world.grow(1)
    with pytest.raises(GroupError, match="not a spot instance"):
        world.group.interrupt(instance.instance_id)
