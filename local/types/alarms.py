"""AWS::CloudWatch::Alarm with metric math, and no evaluation other than ours.

MiniStack refuses alarms on metric math, and evaluates the others whenever a metric is put, over all
dimensions and on the wall clock. Here an alarm with `Metrics` is stored as PutMetricAlarm would
store it, and states change only where the supervisor evaluates them (`local.scaling.alarms`), per
minute of AWS time and by the documented rules for missing data.
"""

from __future__ import annotations

from typing import Any

PLACEHOLDER = "metric-math"


def register() -> None:
    """Accept `Metrics`, and leave evaluation to the supervisor."""
    from ministack.services import cloudwatch
    from ministack.services.cloudformation import provisioners

    stock = provisioners._cw_metric_alarm_record

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        metrics = properties.get("Metrics")
        if not metrics:
            return dict(stock(name, properties))
        _check(properties)
        single = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm = dict(stock(name, {**single, "MetricName": PLACEHOLDER, "Namespace": PLACEHOLDER}))
        for absent in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period"):
            alarm.pop(absent, None)
        return {**alarm, "Dimensions": [], "Metrics": metrics}

    provisioners._cw_metric_alarm_record = record
    cloudwatch._evaluate_alarm = lambda _alarm: None


def _check(properties: dict[str, Any]) -> None:
    """PutMetricAlarm's rules for `Metrics`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    both = [
        name
        for name in ("MetricName", "Namespace", "Period", "Statistic", "Dimensions")
        if properties.get(name)
    ]
    if both:
        raise ValueError(f"Metrics cannot be combined with {', '.join(both)} (ValidationError)")
    returned = [
        query
        for query in properties["Metrics"]
        if str(query.get("ReturnData", True)).lower() != "false"
    ]
    if len(returned) != 1:
        raise ValueError(
            f"exactly one element of Metrics must return data, {len(returned)} do (ValidationError)"
        )
