"""Lifecycle hooks of termination and launch."""

from __future__ import annotations

import pytest

from local.fleet.group import GroupError
from local.fleet.group_config import LAUNCHING, HookSpec
from local.fleet.instance import IN_SERVICE, PENDING_WAIT, TERMINATING_PROCEED, TERMINATING_WAIT
from local.fleet.lifecycle_actions import NoLifecycleActionError
from tests.fleet.world import DRAIN, START, World


def leaving(**config: object) -> tuple[World, str]:
    world = World(**{"hooks": (DRAIN,), **config})  # type: ignore[arg-type]
    (instance,) = world.grow(1)
    world.group.set_desired(0, cause="the test")
    world.pass_time(5)
    return world, instance.instance_id


def test_an_instance_waits_for_its_drain_and_its_metadata_say_so() -> None:
    world, identifier = leaving()
    instance = world.group.find(identifier)
    assert instance.state == TERMINATING_WAIT
    assert instance.target_state == "Terminated"
    assert world.machine(instance).told == []


def test_completing_the_action_lets_it_go_at_once() -> None:
    world, identifier = leaving()
    world.group.complete(identifier, hook="drain", token="", result="CONTINUE")
    world.pass_time(5)
    assert world.instances == []
    assert world.kinds()[-3:] == ["hook-wait", "hook-completed", "terminated"]


def test_completing_by_token_needs_no_instance_id() -> None:
    world, identifier = leaving()
    token = world.group.find(identifier).waits[0].token
    world.group.complete("", hook="drain", token=token, result="ABANDON")
    world.pass_time(5)
    assert world.instances == []


def test_the_time_out_ends_the_wait() -> None:
    world, _ = leaving()
    world.pass_time(150)
    assert world.states() == [TERMINATING_WAIT]
    world.pass_time(20)
    assert world.instances == []
    assert "hook-timed-out" in world.kinds()


def test_a_heartbeat_begins_the_time_out_anew() -> None:
    world, identifier = leaving()
    world.pass_time(150)
    world.group.heartbeat(identifier, hook="drain", token="")
    world.pass_time(150)
    assert world.states() == [TERMINATING_WAIT]


def test_heartbeats_end_after_a_hundred_time_outs() -> None:
    world, identifier = leaving()
    for _ in range(105):
        if identifier in world.group.instances:
            world.group.heartbeat(identifier, hook="drain", token="")
            world.pass_time(160, step=80)
    assert world.instances == []


def test_another_hook_or_no_wait_is_refused() -> None:
    world, identifier = leaving()
    with pytest.raises(NoLifecycleActionError, match="No active Lifecycle Action"):
        world.group.complete(identifier, hook="other", token="", result="CONTINUE")
    world.group.complete(identifier, hook="drain", token="", result="CONTINUE")
    with pytest.raises(NoLifecycleActionError):
        world.group.complete(identifier, hook="drain", token="", result="CONTINUE")
    with pytest.raises(GroupError, match="No managed instance"):
        world.group.heartbeat("i-unknown", hook="drain", token="")


def test_with_two_hooks_both_are_waited_for() -> None:
    second = HookSpec(
        name="logs", transition=DRAIN.transition, timeout=60.0, default_result="CONTINUE"
    )
    world, identifier = leaving(hooks=(DRAIN, second))
    world.pass_time(65)
    assert world.states() == [TERMINATING_WAIT]
    world.group.complete(identifier, hook="drain", token="", result="CONTINUE")
    world.pass_time(5)
    assert world.instances == []


def test_the_shutdown_follows_the_hook() -> None:
    world, identifier = leaving()
    instance = world.group.find(identifier)
    world.machine(instance).lingers = True
    world.group.complete(identifier, hook="drain", token="", result="CONTINUE")
    world.pass_time(5)
    assert world.states() == [TERMINATING_PROCEED]
    assert world.machine(instance).told == ["power-off"]
    world.machine(instance).ended = True
    world.pass_time(5)
    assert world.instances == []


def test_hook_time_outs_are_compressed_less_than_time() -> None:
    world = World(scale=60.0, hooks=(DRAIN,))
    world.grow(1)
    world.group.set_desired(0, cause="the test")
    world.group.tick()
    deadline = world.instances[0].waits[0].deadline
    assert deadline - world.wall == pytest.approx(165 / 4)
    assert world.wall > START


@pytest.mark.parametrize(("result", "state"), [("CONTINUE", IN_SERVICE), ("ABANDON", PENDING_WAIT)])
def test_a_launch_hook_holds_an_instance_back(result: str, state: str) -> None:
    hook = HookSpec(name="warm", transition=LAUNCHING, timeout=60.0, default_result="ABANDON")
    world = World(hooks=(hook,))
    world.group.set_desired(1, cause="the test")
    world.pass_time(40)
    (first,) = world.instances
    assert first.state == PENDING_WAIT
    world.group.complete(first.instance_id, hook="warm", token="", result=result)
    world.pass_time(95)
    assert world.states() == [state]
    assert (first in world.instances) == (result == "CONTINUE")
