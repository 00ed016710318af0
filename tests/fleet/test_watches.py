"""Metrics in AWS time, alarm states and policies, on the emulated services' own tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import autoscaling, cloudwatch

from local.fleet.alarm_watch import AlarmWatch
from local.fleet.deployed_group import DeployedGroupError
from local.fleet.periods import PeriodStore
from local.fleet.policy_watch import PolicyWatch
from local.scaling.metric_spec import MetricSource
from tests.fleet import emulated
from tests.fleet.world import World

QUEUE = {"QueueName": "work"}
VISIBLE = MetricSource(
    namespace="AWS/SQS",
    name="Visible",
    dimensions=(("QueueName", "work"),),
    statistic="Average",
)


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    with emulated.tables():
        yield


class Watched(World):
    """The world with its metrics and watches; `minute` puts a value and lets all look."""

    def __init__(self, **config: object) -> None:
        super().__init__(scale=60.0, **config)  # type: ignore[arg-type]
        self.wall += 60 - self.clock.now() % 60  # begin somewhere in a minute
        self.store = PeriodStore(self.clock)
        self.alarms = AlarmWatch(self.events)
        self.policies = PolicyWatch(self.alarms)

    def minute(self, value: float | None) -> None:
        start = self.clock.now() // 60 * 60
        if value is not None:
            self.store.put("AWS/SQS", {"Visible": value}, dimensions=QUEUE, at=start + 1)
        self.pass_time(60)
        read = self.store.reader(self.clock.now() // 60 * 60)
        self.alarms.look(read)
        self.policies.look(self.group, read)


def alarm(name: str, **properties: Any) -> dict[str, Any]:
    record = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:{name}",
        "Namespace": "AWS/SQS",
        "MetricName": "Visible",
        "Dimensions": [{"Name": "QueueName", "Value": "work"}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "StateValue": "INSUFFICIENT_DATA",
        "AlarmActions": [],
        "ActionsEnabled": True,
        **properties,
    }
    cloudwatch._alarms[name] = record
    return record


def policy(name: str, **properties: Any) -> dict[str, Any]:
    record = autoscaling._policy_record("workers", name, f"arn:policy/{name}", properties)
    autoscaling._policies[f"workers/{name}"] = record
    return dict(record)


STEPS = {
    "PolicyType": "StepScaling",
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 100, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 100, "ScalingAdjustment": 3},
    ],
}
TRACKING = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingConfiguration": {
        "TargetValue": 10.0,
        "CustomizedMetricSpecification": {
            "Metrics": [
                {
                    "Id": "visible",
                    "ReturnData": False,
                    "MetricStat": {
                        "Stat": "Average",
                        "Metric": {
                            "Namespace": "AWS/SQS",
                            "MetricName": "Visible",
                            "Dimensions": [{"Name": "QueueName", "Value": "work"}],
                        },
                    },
                },
                {"Id": "half", "Expression": "visible / 2", "ReturnData": True},
            ]
        },
    },
}


def test_periods_are_cut_on_the_aws_clock_and_the_present_one_is_not_shown() -> None:
    world = Watched()
    world.minute(5)
    world.minute(None)
    world.minute(7)
    begun = world.clock.now() // 60 * 60
    world.store.put("AWS/SQS", {"Visible": 99}, dimensions=QUEUE, at=begun + 1)
    assert world.store.reader(world.clock.now())(VISIBLE, 4) == [None, 5, None, 7]


def test_an_alarm_changes_its_state_and_its_history() -> None:
    world, record = Watched(), alarm("waiting")
    world.minute(0)
    assert record["StateValue"] == "OK"
    world.minute(3)
    assert record["StateValue"] == "ALARM"
    assert "newest data point 3" in record["StateReason"]
    summaries = [each["HistorySummary"] for each in cloudwatch._history_entries()]
    assert summaries[-2:] == [
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
    ]


def test_missing_data_is_treated_as_the_alarm_says() -> None:
    world = Watched()
    silent, breaching = alarm("silent"), alarm("breaching", TreatMissingData="breaching")
    world.minute(None)
    assert silent["StateValue"] == "OK"
    assert silent["StateReason"] == "no data points: missing data is notBreaching"
    assert breaching["StateValue"] == "ALARM"


def test_an_alarm_on_a_percentile_keeps_its_state() -> None:
    world, record = Watched(), alarm("p99", Statistic=None, ExtendedStatistic="p99")
    world.minute(5)
    assert record["StateValue"] == "INSUFFICIENT_DATA"


def test_a_step_policy_is_called_by_its_alarm() -> None:
    world = Watched()
    alarm("waiting", AlarmActions=[policy("wake", **STEPS)["PolicyARN"]])
    world.minute(150)
    assert world.record.now.desired == 3
    assert "wake: 150 breaches waiting at 0" in world.events.since()[-1].reason


def test_an_alarm_with_actions_off_calls_nothing() -> None:
    world = Watched()
    arn = policy("wake", **STEPS)["PolicyARN"]
    alarm("waiting", AlarmActions=[arn], ActionsEnabled=False)
    world.minute(150)
    assert world.record.now.desired == 0


def test_target_tracking_shows_its_alarms_and_scales_out_and_in() -> None:
    world = Watched()
    world.grow(1)
    policy("track", **TRACKING)
    for _ in range(3):
        world.minute(60)
    assert world.record.now.desired == 3
    high, low = sorted(cloudwatch._alarms.values(), key=lambda each: each["AlarmName"])
    assert (high["EvaluationPeriods"], low["EvaluationPeriods"]) == (3, 15)
    assert high["StateValue"] == "ALARM"
    assert high["Metrics"][0]["MetricStat"]["Period"] == 60
    for _ in range(16):
        world.minute(2)
    assert world.record.now.desired == 1
    assert low["StateValue"] == "ALARM"


def test_a_policy_that_cannot_be_played_does_not_stop_the_others() -> None:
    world = Watched()
    policy("simple", PolicyType="SimpleScaling", ScalingAdjustment=1)
    alarm("waiting", AlarmActions=[policy("wake", **STEPS)["PolicyARN"]])
    world.minute(50)
    assert world.record.now.desired == 1


def test_a_deployed_group_is_read_with_its_hooks_types_and_template() -> None:
    autoscaling._hooks["workers/drain"] = autoscaling._hook_record(
        "workers",
        "drain",
        {"LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING", "HeartbeatTimeout": "165"},
    )
    specification = {"LaunchTemplateId": "lt-1", "Version": "$Latest"}
    config = emulated.deploy_group(
        CapacityRebalance="true",
        DefaultInstanceWarmup=90,
        MetricsCollection=[{"Granularity": "1Minute"}],
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": specification,
                "Overrides": [{"InstanceType": "c7g.medium"}, {"InstanceType": "m7g.medium"}],
            },
            "InstancesDistribution": {"OnDemandBaseCapacity": 1},
        },
    ).config()
    assert config.template.version == 2
    assert config.instance_types == ("c7g.medium", "m7g.medium")
    assert config.capacity_rebalance
    assert config.warmup_seconds == 90
    assert config.hooks[0].timeout == 165
    assert "GroupTerminatingInstances" in config.metrics


def test_a_group_without_launch_template_is_refused_by_name() -> None:
    group = emulated.deploy_group(LaunchTemplate={"LaunchTemplateId": "lt-gone"})
    with pytest.raises(DeployedGroupError, match=r"group workers: its launch template 'lt-gone'"):
        group.config()
