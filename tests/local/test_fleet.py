"""The deployed fleet at work on the local AWS: real CDK deploy, real processes, real queue.

Time is compressed sixty times for what AWS decides; programs run in real time.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.fleet.control import FleetControl, GroupView
from local.session import LocalAws
from tests.local.fleet_work import Work

pytestmark = pytest.mark.xdist_group("fleet")

STACK = "Groundwork-dev-Fleet"
SCALE = 60
# Small numbers, so that a small backlog needs several instances and drains are short.
SETTINGS = (
    "fleet.acceptable_latency_seconds=6",
    "fleet.max_instances=3",
    "fleet.wait_time_seconds=1",
    "fleet.visibility_timeout_seconds=30",
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with the fleet and what it needs."""
    state = tmp_path_factory.mktemp("fleet") / "state"
    with LocalAws(state=state, time_scale=SCALE) as running:
        deploy(running)
        yield running


@pytest.fixture
def fleet(aws: LocalAws) -> FleetControl:
    return FleetControl(aws.control)


def deploy(aws: LocalAws, *settings: str) -> None:
    context = [part for each in (*SETTINGS, *settings) for part in ("-c", each)]
    aws.cdk("deploy", STACK, "-c", "stage=dev", *context)


def empty(group: GroupView) -> bool:
    return not group.instances and group.desired == 0


def test_the_policies_scale_from_zero_out_in_and_back_to_zero(
    aws: LocalAws, fleet: FleetControl
) -> None:
    assert empty(fleet.group())
    work = Work(aws, "scaling", 400)
    work.upload()
    mark = fleet.mark()
    work.send()
    woken = fleet.wait_for("capacity", since=mark, timeout=30)
    assert "WakeFromZero" in woken.reason
    fleet.wait_for("in-service", since=mark, timeout=30)
    work.wait_until_done(timeout=90)
    fleet.wait_until(empty, timeout=120)
    events = fleet.events(mark)
    launched = [each.instance for each in events if each.kind == "launching"]
    assert 2 <= len(set(launched)) <= 3
    # Every instance drained and its worker said so, before the time-out of the hook.
    assert sum(each.kind == "hook-completed" for each in events) == len(launched)
    assert not [each for each in events if each.kind == "hook-timed-out"]
    assert work.prepared() == 400
    assert work.dead() == 0


def test_the_api_tells_what_runs(aws: LocalAws, fleet: FleetControl) -> None:
    autoscaling: Any = aws.client("autoscaling")
    name = fleet.group().name
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    fleet.wait_until(lambda group: len(group.in_service) == 1, timeout=30)
    (described,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    (instance,) = described["Instances"]
    assert described["CapacityRebalance"] is True
    assert described["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]
    assert {each["Metric"] for each in described["EnabledMetrics"]} >= {"GroupInServiceInstances"}
    (listed,) = autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
    assert listed["InstanceId"] == instance["InstanceId"]
    assert listed["AutoScalingGroupName"] == name
    reservations = aws.client("ec2").describe_instances(InstanceIds=[instance["InstanceId"]])
    (record,) = reservations["Reservations"][0]["Instances"]
    assert record["State"]["Name"] == "running"
    assert record["InstanceType"] == instance["InstanceType"]
    assert {"Key": "aws:autoscaling:groupName", "Value": name} in record["Tags"]
    (hook,) = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    policies = autoscaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]
    assert all(policy["Alarms"] for policy in policies)
    newest = autoscaling.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
    assert any("Launching" in each["Description"] for each in newest)
    identifier = instance["InstanceId"]
    autoscaling.set_instance_protection(
        AutoScalingGroupName=name, InstanceIds=[identifier], ProtectedFromScaleIn=True
    )
    fleet.wait_until(lambda group: group.instances[0].instance == identifier, timeout=10)
    with pytest.raises(autoscaling.exceptions.ClientError, match="No active Lifecycle Action"):
        autoscaling.complete_lifecycle_action(
            AutoScalingGroupName=name,
            LifecycleHookName="drain",
            InstanceId=identifier,
            LifecycleActionResult="CONTINUE",
        )
    mark = fleet.mark()
    ended = autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=identifier, ShouldDecrementDesiredCapacity=True
    )
    assert identifier in ended["Activity"]["Description"]
    fleet.wait_for("hook-completed", since=mark, instance=identifier, timeout=40)
    fleet.wait_for("terminated", since=mark, instance=identifier, timeout=20)
    with pytest.raises(autoscaling.exceptions.ClientError, match="above max value"):
        autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=9)


def test_a_killed_and_an_interrupted_instance_lose_nothing(
    aws: LocalAws, fleet: FleetControl
) -> None:
    work = Work(aws, "losses", 600)
    work.upload()
    mark = fleet.mark()
    work.send()
    fleet.wait_until(lambda group: len(group.in_service) >= 2, timeout=60)
    work.wait_for(20, timeout=60)
    running = [each for each in fleet.group().in_service if len(each.pids) > 1]
    victim, spot = running[0], running[-1]
    fleet.kill(victim.instance)
    fleet.wait_for("unhealthy", since=mark, instance=victim.instance, timeout=30)
    assert not any(alive(pid) for pid in victim.pids)
    if spot.instance != victim.instance:
        fleet.interrupt(spot.instance)
        fleet.wait_for("spot-notice", since=mark, instance=spot.instance, timeout=10)
    work.wait_until_done(timeout=120)
    assert work.prepared() == 600
    assert work.dead() == 0
    launched = [each for each in fleet.events(mark) if each.kind == "launching"]
    assert len(launched) >= 2


@pytest.mark.slow
def test_a_deploy_of_new_code_rolls_the_instances_and_destroy_drains_them(
    aws: LocalAws, fleet: FleetControl
) -> None:
    deploy(aws, "fleet.min_instances=2")
    before = fleet.group()
    assert len(before.in_service) >= 2
    mark = fleet.mark()
    deploy(aws, "fleet.min_instances=2", "fleet.threads_per_process=4")
    events = fleet.events(mark)
    assert [each.reason for each in events if each.kind == "refresh-ended"] == ["Successful"]
    after = fleet.group()
    assert not {each.instance for each in before.instances} & {
        each.instance for each in after.in_service
    }
    newest = max(each.template_version for each in after.instances)
    assert {each.template_version for each in after.in_service} == {newest}
    assert not [each for each in events if each.kind == "hook-timed-out"]
    pids = [pid for each in after.instances for pid in each.pids]
    mark = fleet.mark()
    aws.cdk("destroy", STACK, "-c", "stage=dev")
    assert fleet.groups() == []
    assert not any(alive(pid) for pid in pids)
    kinds = [each.kind for each in fleet.events(mark)]
    assert "hook-completed" in kinds
    assert "hook-timed-out" not in kinds


@pytest.mark.slow
def test_instances_do_not_outlive_a_killed_engine(tmp_path: Path) -> None:
    with LocalAws(state=tmp_path / "state", time_scale=SCALE) as aws:
        deploy(aws, "fleet.min_instances=1")
        fleet = FleetControl(aws.control)
        group = fleet.wait_until(
            lambda group: any(len(each.pids) == 2 for each in group.in_service), timeout=60
        )
        pids = [pid for each in group.instances for pid in each.pids]
        os.kill(aws.record().pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(alive(pid) for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def alive(pid: int) -> bool:
    """Whether it runs: one that has ended may wait a while for whoever has inherited it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
