"""Applies a group's deployed scaling policies, each minute of AWS time."""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

from local.fleet.alarm_watch import AlarmWatch
from local.fleet.group import Group
from local.scaling.alarms import AlarmRule, AlarmState
from local.scaling.evaluation import evaluate
from local.scaling.metric_spec import PolicySpecError, ReadMetric
from local.scaling.policy_spec import PolicySpec, attach
from local.scaling.target_tracking import TargetTracking

logger = logging.getLogger("groundwork.fleet")


class PolicyWatch:
    """Reads policies and alarms from the emulated services at every look, so updates count."""

    def __init__(self, alarms: AlarmWatch) -> None:
        self._alarms = alarms
        self._states: dict[str, dict[str, AlarmState]] = {}
        self._refused: set[str] = set()

    def look(self, group: Group, read: ReadMetric) -> None:
        """Evaluate the group's policies once and change its desired capacity."""
        from ministack.services import cloudwatch

        policies = self._policies(group.name)
        if not policies:
            return
        callable_alarms = [
            spec
            for name, record in list(cloudwatch._alarms.items())
            if record.get("ActionsEnabled", True) and (spec := self._alarms.spec(name, record))
        ]
        result = evaluate(
            attach(policies, callable_alarms),
            group=group.state(),
            read=read,
            alarms=self._states.get(group.name),
        )
        self._states[group.name] = dict(result.alarms)
        if result.reasons:
            group.set_desired(result.desired, cause="; ".join(result.reasons))

    def forget(self, group: str) -> None:
        """The group is gone."""
        self._states.pop(group, None)

    def _policies(self, group: str) -> list[PolicySpec]:
        from ministack.services import autoscaling

        found = []
        for record in list(autoscaling._policies.values()):
            if record["AutoScalingGroupName"] != group or not record.get("Enabled", True):
                continue
            name = record["PolicyName"]
            try:
                spec = PolicySpec.from_properties(name, record, arn=record["PolicyARN"])
            except (PolicySpecError, KeyError, ValueError) as error:
                if name not in self._refused:
                    self._refused.add(name)
                    logger.warning("policy %s is not applied: %s", name, error)
                continue
            if spec.tracking is not None and not record.get("Alarms"):
                _put_alarms(record, spec.tracking)
            found.append(spec)
        return found


def _put_alarms(record: dict[str, Any], tracking: TargetTracking) -> None:
    """Make the two alarms that target tracking shows in CloudWatch; MiniStack knows no metric math.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
    """
    metric = record["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]
    record["Alarms"] = []
    levels = {"High": tracking.high_alarm}
    if not tracking.disable_scale_in:
        levels["Low"] = tracking.low_alarm
    for level, rule in levels.items():
        alarm = _alarm(record, level, rule, metric)
        record["Alarms"].append({"AlarmName": alarm["AlarmName"], "AlarmARN": alarm["AlarmArn"]})


def _alarm(
    record: dict[str, Any], level: str, rule: AlarmRule, metric: dict[str, Any]
) -> dict[str, Any]:
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import cloudwatch

    name = f"TargetTracking-{record['AutoScalingGroupName']}-Alarm{level}-{uuid.uuid4()}"
    now = int(time.time())
    alarm = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}",
        "AlarmDescription": "DO NOT EDIT OR DELETE. "
        f"For TargetTrackingScaling policy {record['PolicyARN']}.",
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [record["PolicyARN"]],
        "InsufficientDataActions": [],
        "StateValue": AlarmState.INSUFFICIENT_DATA.value,
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": now,
        "AlarmConfigurationUpdatedTimestamp": now,
        "Dimensions": [],
        "Metrics": [_query(query) for query in metric["Metrics"]],
        "EvaluationPeriods": rule.evaluation_periods,
        "DatapointsToAlarm": rule.datapoints_to_alarm,
        "Threshold": rule.threshold,
        "ComparisonOperator": rule.comparison.value,
        "TreatMissingData": rule.missing_data.value,
    }
    cloudwatch.cloudformation_put_metric_alarm(alarm)
    return alarm


def _query(query: dict[str, Any]) -> dict[str, Any]:
    """A TargetTrackingMetricDataQuery as the MetricDataQuery of an alarm: with its period."""
    if "MetricStat" not in query:
        return {**query, "Period": query.get("Period", 60)}
    return {**query, "MetricStat": {"Period": 60, **query["MetricStat"]}}
