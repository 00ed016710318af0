"""An alarm on what an AWS service reports of one resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

PERIOD_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Metrics of one resource; of several, the sum."""

    namespace: str
    names: Sequence[str]
    dimensions: Mapping[str, str]
    statistic: str = "Sum"


class ServiceAlarm(Construct):
    """Above `threshold` for so many periods of five minutes. Missing data never alarms.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

    The L1 construct: there are many of these, each one needs two calls to the JavaScript engine
    this way, and eight or more with metrics and actions as L2 objects. Nothing draws them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        observed: Observed,
        *,
        topic_arn: str,
        threshold: float,
        periods: int = 1,
        description: str,
    ) -> None:
        super().__init__(scope, construct_id)
        cloudwatch.CfnAlarm(
            self,
            "Resource",
            alarm_description=description,
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            **(_single(observed) if len(observed.names) == 1 else _sum(observed)),
        )


def of_queue(queue: sqs.IQueue, name: str = "ApproximateNumberOfMessagesVisible") -> Observed:
    """What SQS reports of a queue: by default, the messages that lie in it."""
    return Observed(
        namespace="AWS/SQS",
        names=[name],
        dimensions={"QueueName": queue.queue_name},
        statistic="Maximum",
    )


def _single(observed: Observed) -> dict[str, Any]:
    kind = "extended_statistic" if observed.statistic.startswith("p") else "statistic"
    return {
        "namespace": observed.namespace,
        "metric_name": observed.names[0],
        "dimensions": _dimensions(observed),
        kind: observed.statistic,
        "period": PERIOD_SECONDS,
    }


def _sum(observed: Observed) -> dict[str, Any]:
    """By metric math; a metric without data counts as 0."""
    named = {name[0].lower() + name[1:]: name for name in observed.names}
    dimensions = _dimensions(observed)
    total = {
        "id": "expr_1",
        "expression": " + ".join(f"FILL({each}, 0)" for each in named),
        "label": "Errors",
        "returnData": True,
    }
    parts = [
        {
            "id": each,
            "metricStat": {
                "metric": {
                    "namespace": observed.namespace,
                    "metricName": name,
                    "dimensions": dimensions,
                },
                "period": PERIOD_SECONDS,
                "stat": observed.statistic,
            },
            "returnData": False,
        }
        for each, name in named.items()
    ]
    return {"metrics": [total, *parts]}


def _dimensions(observed: Observed) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in observed.dimensions.items()]
