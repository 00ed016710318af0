"""Alarms through CloudFormation: on metric math, on a metric, on both."""

from __future__ import annotations

from typing import Any

import pytest

from local.session import LocalAws
from tests.local.small_stack import Resources, Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def alarm(**properties: Any) -> Resources:
    metric = {
        "Metric": {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent"},
        "Period": 60,
        "Stat": "Sum",
    }
    return {
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 2,
                "Threshold": 1,
                "TreatMissingData": "notBreaching",
                "Metrics": [
                    {"Id": "sent", "MetricStat": metric, "ReturnData": False},
                    {"Id": "double", "Expression": "sent * 2"},
                ],
                **properties,
            },
        }
    }


def test_an_alarm_on_metric_math_is_kept_as_it_is(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(alarm())
    cloudwatch = aws.client("cloudwatch")
    (found,) = cloudwatch.describe_alarms(AlarmNames=[stack.id_of("Alarm")])["MetricAlarms"]
    assert [each["Id"] for each in found["Metrics"]] == ["sent", "double"]
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert "MetricName" not in found


def test_an_alarm_that_mixes_math_and_a_metric_is_refused(stack: Stack) -> None:
    with pytest.raises(AssertionError):
        stack.deploy(alarm(MetricName="NumberOfMessagesSent", Namespace="AWS/SQS"))
    assert "Metrics cannot be combined with MetricName" in stack.why()


def test_putting_a_metric_does_not_change_an_alarm_by_itself(aws: LocalAws, stack: Stack) -> None:
    single = alarm(MetricName="Load", Namespace="Test", Period=60, Statistic="Sum")
    del single["Alarm"]["Properties"]["Metrics"]
    stack.deploy(single)
    cloudwatch = aws.client("cloudwatch")
    datum = {
        "MetricName": "Load",
        "Value": 100.0,
        "Dimensions": [{"Name": "Other", "Value": "thing"}],
    }
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[datum])
    (found,) = cloudwatch.describe_alarms(AlarmNames=[stack.id_of("Alarm")])["MetricAlarms"]
    assert found["StateValue"] == "INSUFFICIENT_DATA"
