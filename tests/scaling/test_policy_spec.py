"""Reading policies from CloudFormation properties, and evaluating all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from local.scaling.alarms import AlarmState, Comparison, MissingData
from local.scaling.evaluation import evaluate
from local.scaling.group import GroupState
from local.scaling.intrinsics import Resolver, UnresolvedError
from local.scaling.metric_spec import MetricSource
from local.scaling.policy_spec import PolicySpec, PolicySpecError, ScalingSpec
from local.scaling.series import Points

QUEUE = {"Name": "QueueName", "Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}
GROUP = {"Name": "AutoScalingGroupName", "Value": {"Ref": "Workers"}}


def stat(identifier: str, namespace: str, name: str, dimension: Any) -> dict[str, Any]:
    return {
        "Id": identifier,
        "ReturnData": False,
        "MetricStat": {
            "Stat": "Average",
            "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": [dimension]},
        },
    }


VISIBLE = stat("visible", "AWS/SQS", "ApproximateNumberOfMessagesVisible", QUEUE)
IN_SERVICE = stat("in_service", "AWS/AutoScaling", "GroupInServiceInstances", GROUP)


def template() -> dict[str, Any]:
    return {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Workers": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "Properties": {
                    "MinSize": "0",
                    "MaxSize": "20",
                    "DefaultInstanceWarmup": 120,
                    "MixedInstancesPolicy": {
                        "InstancesDistribution": {
                            "OnDemandBaseCapacity": 2,
                            "OnDemandPercentageAboveBaseCapacity": 20,
                        }
                    },
                    "LifecycleHookSpecificationList": [
                        {
                            "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
                            "HeartbeatTimeout": 165,
                        }
                    ],
                },
            },
            "Track": {
                "Type": "AWS::AutoScaling::ScalingPolicy",
                "Properties": {
                    "AutoScalingGroupName": {"Ref": "Workers"},
                    "PolicyType": "TargetTrackingScaling",
                    "TargetTrackingConfiguration": {
                        "TargetValue": 100,
                        "DisableScaleIn": False,
                        "CustomizedMetricSpecification": {
                            "Metrics": [
                                VISIBLE,
                                IN_SERVICE,
                                {
                                    "Id": "divisor",
                                    "Expression": "IF(in_service > 0, in_service, 1)",
                                    "ReturnData": False,
                                },
                                {"Id": "backlog", "Expression": "visible / divisor"},
                            ]
                        },
                    },
                },
            },
            "Wake": {
                "Type": "AWS::AutoScaling::ScalingPolicy",
                "Properties": {
                    "AutoScalingGroupName": {"Ref": "Workers"},
                    "PolicyType": "StepScaling",
                    "AdjustmentType": "ChangeInCapacity",
                    "EstimatedInstanceWarmup": 60,
                    "StepAdjustments": [
                        {
                            "MetricIntervalLowerBound": 0,
                            "MetricIntervalUpperBound": 1000,
                            "ScalingAdjustment": 1,
                        },
                        {"MetricIntervalLowerBound": 1000, "ScalingAdjustment": 4},
                    ],
                },
            },
            "Empty": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmActions": [{"Ref": "Wake"}],
                    "ComparisonOperator": "GreaterThanThreshold",
                    "EvaluationPeriods": 1,
                    "Threshold": 0,
                    "TreatMissingData": "notBreaching",
                    "Metrics": [
                        VISIBLE,
                        IN_SERVICE,
                        {"Id": "expr", "Expression": "IF(in_service < 1, visible, 0)"},
                    ],
                },
            },
            "Other": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmActions": [{"Ref": "Topic"}],
                    "ComparisonOperator": "GreaterThanThreshold",
                    "EvaluationPeriods": 3,
                    "Threshold": 900,
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [QUEUE],
                    "Statistic": "Maximum",
                    "Period": 60,
                },
            },
        }
    }


def reader(**series: float | Points | None) -> Any:
    names = {
        "visible": "ApproximateNumberOfMessagesVisible",
        "in_service": "GroupInServiceInstances",
    }
    by_name = {names[key]: value for key, value in series.items()}

    def read(source: MetricSource, count: int) -> Points:
        value = by_name[source.name]
        if value is None or isinstance(value, float | int):
            return [value] * count
        return list(value)[-count:]

    return read


def test_the_template_is_read() -> None:
    spec = ScalingSpec.from_template(template())
    assert (spec.group.minimum, spec.group.maximum, spec.group.warmup_seconds) == (0, 20, 120)
    assert (spec.group.on_demand_base, spec.group.on_demand_percentage) == (2, 20)
    assert spec.group.hook_seconds == 165
    track, wake = spec.policies
    assert track.tracking is not None and track.tracking.target == 100
    assert track.metric is not None
    assert track.metric.sources["visible"].dimensions == (("QueueName", "${Queue.QueueName}"),)
    assert wake.warmup_seconds == 60
    (alarm,) = wake.alarms
    assert alarm.rule.comparison is Comparison.ABOVE
    assert alarm.rule.missing_data is MissingData.NOT_BREACHING


def test_values_replace_references() -> None:
    values = {
        "Queue.QueueName": "jobs",
        "Workers": "workers",
        "Wake": "arn:wake",
        "Track": "arn:track",
        "Topic": "arn:topic",
    }
    spec = ScalingSpec.from_template(template(), values)
    metric = spec.policies[0].metric
    assert metric is not None
    assert metric.sources["visible"].dimensions == (("QueueName", "jobs"),)
    assert spec.policies[1].arn == "arn:wake"
    del values["Queue.QueueName"]
    with pytest.raises(UnresolvedError, match=r"Queue\.QueueName"):
        ScalingSpec.from_template(template(), values)


def at(**counts: int) -> GroupState:
    state: Mapping[str, int] = {"minimum": 0, "maximum": 20, "desired": counts["in_service"]}
    return GroupState(**{**state, **counts})


@pytest.mark.parametrize(
    ("state", "series", "desired"),
    [
        (at(in_service=0), {"visible": 500, "in_service": 0}, 1),
        (at(in_service=0), {"visible": 5000, "in_service": 0}, 4),
        (at(in_service=2), {"visible": 500, "in_service": 2}, 5),
        (at(in_service=2), {"visible": 190, "in_service": 2}, 2),
        (at(in_service=8), {"visible": 190, "in_service": 8}, 2),
        (at(in_service=8), {"visible": 0, "in_service": 8}, 0),
        (at(in_service=8), {"visible": None, "in_service": None}, 8),
        (at(in_service=2), {"visible": 5e6, "in_service": 2}, 20),
    ],
)
def test_one_evaluation(state: GroupState, series: Mapping[str, Any], desired: int) -> None:
    spec = ScalingSpec.from_template(template())
    result = evaluate(spec.policies, group=state, read=reader(**series))
    assert result.desired == desired
    assert bool(result.reasons) == (desired != state.desired)


def test_scale_in_waits_for_fifteen_low_points() -> None:
    spec = ScalingSpec.from_template(template())
    high_then_low = [500.0] * 10 + [0.0] * 14
    state = at(in_service=4)
    soon = evaluate(spec.policies, group=state, read=reader(visible=high_then_low, in_service=4))
    late = evaluate(
        spec.policies, group=state, read=reader(visible=[*high_then_low, 0.0], in_service=4)
    )
    assert (soon.desired, late.desired) == (4, 0)
    assert soon.alarms["Track/low"] is AlarmState.OK
    assert late.alarms["Track/low"] is AlarmState.ALARM


def test_every_tracking_policy_must_agree_to_scale_in() -> None:
    both = template()
    second = both["Resources"]["Track"]["Properties"]
    both["Resources"]["Track2"] = {
        "Type": "AWS::AutoScaling::ScalingPolicy",
        "Properties": {
            **second,
            "TargetTrackingConfiguration": {
                **second["TargetTrackingConfiguration"],
                "TargetValue": 50,
            },
        },
    }
    spec = ScalingSpec.from_template(both)
    state = at(in_service=10)
    result = evaluate(spec.policies, group=state, read=reader(visible=480, in_service=10))
    assert result.desired == 10
    result = evaluate(spec.policies, group=state, read=reader(visible=200, in_service=10))
    assert result.desired == 4


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"PolicyType": "PredictiveScaling"}, "PredictiveScaling is not played here"),
        (
            {
                "TargetTrackingConfiguration": {
                    "TargetValue": 1,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ASGAverageCPUUtilization"
                    },
                }
            },
            "CustomizedMetricSpecification",
        ),
        (
            {
                "TargetTrackingConfiguration": {
                    "TargetValue": 1,
                    "CustomizedMetricSpecification": {
                        "Metrics": [VISIBLE, {"Id": "e", "Expression": "visible / nobody"}]
                    },
                }
            },
            "no query has the id nobody",
        ),
        (
            {
                "TargetTrackingConfiguration": {
                    "TargetValue": 1,
                    "CustomizedMetricSpecification": {"Metrics": [VISIBLE]},
                }
            },
            "exactly one query must have ReturnData",
        ),
    ],
)
def test_what_cannot_be_played_is_refused(change: Mapping[str, Any], problem: str) -> None:
    properties = {**template()["Resources"]["Track"]["Properties"], **change}
    with pytest.raises(PolicySpecError) as raised:
        PolicySpec.from_properties("Track", properties)
    assert problem in str(raised.value)


def test_intrinsics() -> None:
    resolve = Resolver({"Queue": "https://q", "Queue.Arn": "arn:q", "Stack:Subnet": "subnet-1"})
    assert resolve(
        {
            "a": [{"Fn::Join": ["-", ["x", {"Ref": "Queue"}]]}],
            "b": {"Fn::Sub": "${Queue.Arn}/${!literal}"},
            "c": {"Fn::Sub": ["${Mine}", {"Mine": {"Ref": "Queue"}}]},
            "d": {"Fn::ImportValue": "Stack:Subnet"},
            "e": {"Fn::Select": [1, ["x", "y"]]},
            "f": {"Fn::GetAtt": "Queue.Arn"},
        }
    ) == {
        "a": ["x-https://q"],
        "b": "arn:q/${literal}",
        "c": "https://q",
        "d": "subnet-1",
        "e": "y",
        "f": "arn:q",
    }
    with pytest.raises(UnresolvedError, match="Fn::Cidr"):
        resolve({"Fn::Cidr": ["10.0.0.0/16", 2]})
