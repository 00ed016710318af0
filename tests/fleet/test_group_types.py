"""AWS::AutoScaling::AutoScalingGroup by its handlers, and the API, on a supervisor that runs.

No instance is started: the group's capacity stays 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.services import autoscaling, cloudformation
from ministack.services.cloudformation import provisioners, stacks

from local.engine_config import EngineConfig
from local.fleet.autoscaling_api import AutoScalingApi
from local.fleet.group_types import TYPE, GroupType
from local.fleet.supervisor import Supervisor
from local.types.handlers import table
from tests.fleet import emulated

HOOK = {
    "LifecycleHookName": "drain",
    "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
    "HeartbeatTimeout": 165,
    "DefaultResult": "CONTINUE",
}
PROPERTIES: dict[str, Any] = {
    "AutoScalingGroupName": "workers",
    "MinSize": "0",
    "MaxSize": "4",
    "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"},
    "LifecycleHookSpecificationList": [HOOK],
    "CapacityRebalance": True,
}
Steps = Callable[[GroupType, Supervisor], None]


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(table(), TYPE, dict(table()[TYPE]))
    monkeypatch.setattr(stacks, "_runs_on_worker_thread", stacks._runs_on_worker_thread)
    monkeypatch.setattr(autoscaling, "_ACTION_MAP", dict(autoscaling._ACTION_MAP))
    monkeypatch.setattr(autoscaling, "_reconcile_instances", autoscaling._reconcile_instances)
    with emulated.tables():
        emulated.deploy_group()
        autoscaling._asgs.clear()
        yield


def play(tmp_path: Path, steps: Steps) -> None:
    """Run the steps on a worker thread, as CloudFormation's handlers are."""

    async def run() -> None:
        config = EngineConfig(
            port=1, state_directory=tmp_path, account="000000000000", time_scale=3600
        )
        supervisor = Supervisor(config)
        AutoScalingApi(supervisor).register()
        kind = GroupType(supervisor)
        kind.register()
        await supervisor.start()
        try:
            await asyncio.to_thread(steps, kind, supervisor)
        finally:
            await supervisor.stop()

    asyncio.run(run())


def ask(operation: str, **parameters: str) -> str:
    status, _, body = autoscaling._ACTION_MAP[operation](
        {"AutoScalingGroupName": "workers", **parameters}
    )
    return f"{status} {body.decode()}"


def test_create_keeps_what_the_fleet_needs(tmp_path: Path) -> None:
    def steps(kind: GroupType, supervisor: Supervisor) -> None:
        name, attributes = kind.create("Group", PROPERTIES, "stack")
        assert name == "workers"
        assert attributes["AutoScalingGroupARN"]
        config = supervisor.groups["workers"].config
        assert config.capacity_rebalance
        assert config.hooks[0].timeout == 165
        assert "<CapacityRebalance>true</CapacityRebalance>" in ask("DescribeAutoScalingGroups")

    play(tmp_path, steps)


def test_an_update_leaves_the_desired_capacity_alone_within_the_new_limits(tmp_path: Path) -> None:
    def steps(kind: GroupType, supervisor: Supervisor) -> None:
        kind.create("Group", PROPERTIES, "stack")
        record = autoscaling._asgs["workers"]
        supervisor.clock.set_scale(0.001)  # nothing is launched from here on
        supervisor.groups["workers"]._no_launch_before = float("inf")
        record["DesiredCapacity"] = 3
        new = {**PROPERTIES, "MaxSize": "2"}
        kind._change("workers", PROPERTIES, new, "stack", "Group")
        assert record["DesiredCapacity"] == 2
        record["DesiredCapacity"] = 0

    play(tmp_path, steps)


def test_a_hook_that_leaves_the_template_leaves_the_group(tmp_path: Path) -> None:
    def steps(kind: GroupType, supervisor: Supervisor) -> None:
        kind.create("Group", PROPERTIES, "stack")
        new = {**PROPERTIES, "LifecycleHookSpecificationList": []}
        kind.update("workers", PROPERTIES, new, "stack", "Group")
        assert supervisor.groups["workers"].config.hooks == ()

    play(tmp_path, steps)


def test_a_new_template_version_starts_the_refresh_of_the_update_policy(tmp_path: Path) -> None:
    def steps(kind: GroupType, supervisor: Supervisor) -> None:
        kind.create("Group", PROPERTIES, "stack")
        new = {**PROPERTIES, "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}}
        policy = {"AutoScalingInstanceRefresh": {"Strategy": "Rolling"}}
        with template_with(policy):
            kind.update("workers", PROPERTIES, new, "stack", "Group")
        (refresh,) = supervisor.groups["workers"].refreshes
        assert refresh.status == "Successful"
        assert refresh.target.version == 2
        assert "<Status>Successful</Status>" in ask("DescribeInstanceRefreshes")

    play(tmp_path, steps)


def test_a_policy_that_is_not_played_stops_the_deployment(tmp_path: Path) -> None:
    def steps(kind: GroupType, supervisor: Supervisor) -> None:
        with (
            template_with({"AutoScalingRollingUpdate": {}}),
            pytest.raises(ValueError, match="AutoScalingRollingUpdate is not played"),
        ):
            kind.create("Group", PROPERTIES, "stack")
        assert "workers" not in autoscaling._asgs

    play(tmp_path, steps)


def test_delete_removes_the_group_with_its_hooks_and_policies(tmp_path: Path) -> None:
    def steps(kind: GroupType, supervisor: Supervisor) -> None:
        kind.create("Group", PROPERTIES, "stack")
        kind.delete("workers", PROPERTIES)
        assert supervisor.groups == {}
        assert not list(autoscaling._hooks.values())

    play(tmp_path, steps)


def test_the_api_refuses_with_the_codes_of_aws(tmp_path: Path) -> None:
    def steps(kind: GroupType, supervisor: Supervisor) -> None:
        kind.create("Group", PROPERTIES, "stack")
        assert "above max value 4" in ask("SetDesiredCapacity", DesiredCapacity="5")
        assert "No managed instance found" in ask("SetInstanceHealth", InstanceId="i-1")
        assert "ActiveInstanceRefreshNotFound" in ask("CancelInstanceRefresh")
        assert "between the specified min size" in ask(
            "UpdateAutoScalingGroup", MaxSize="2", DesiredCapacity="3"
        )
        assert "Max bound must be greater" in ask("UpdateAutoScalingGroup", MinSize="5")
        assert ask("UpdateAutoScalingGroup", MaxSize="3").startswith("200 ")
        assert autoscaling._asgs["workers"]["MaxSize"] == 3
        unknown = ask("SetDesiredCapacity", AutoScalingGroupName="other", DesiredCapacity="1")
        assert "not found" in unknown

    play(tmp_path, steps)


class template_with:  # noqa: N801
    """The stack under way has this UpdatePolicy."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self._definition = {"Type": TYPE, "UpdatePolicy": policy}

    def __enter__(self) -> None:
        cloudformation._stacks["stack"] = {"_template": {"Resources": {"Group": self._definition}}}
        assert provisioners._cfn_wait_condition_definition("stack", "Group") == self._definition

    def __exit__(self, *_: object) -> None:
        cloudformation._stacks.pop("stack", None)
