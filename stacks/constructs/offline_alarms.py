"""When somebody has to look at the API that devices synchronise with."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.alarm import alarm

FIVE_MINUTES = Duration.minutes(5)
# https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
SUBSCRIPTION_ERRORS = (
    "ConnectServerError",
    "SubscribeServerError",
    "PublishDataMessageServerError",
)
THROTTLED = ("ReadThrottleEvents", "WriteThrottleEvents")


class OfflineAlarms(Construct):
    """Server errors, slow answers, subscribers that are not told, tables that are throttled.

    Errors inside a 200 answer, such as conflicts, are not counted by AppSync; the conflict
    handler's own errors have the alarms of its function. See docs/operations.md.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api_id: str,
        tables: Mapping[str, dynamodb.ITable],
        latency_ms: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._api_id = api_id
        alarm(
            self,
            "ServerErrors",
            self._metric("5XXError", "Sum"),
            topic=topic,
            threshold=0,
            description="AppSync failed to answer requests.",
        )
        alarm(
            self,
            "SlowAnswers",
            self._metric("Latency", "p90"),
            topic=topic,
            threshold=latency_ms,
            periods=3,
            description="One request in ten takes longer than offline.latency_alarm_ms.",
        )
        alarm(
            self,
            "UntoldSubscribers",
            self._sum({name: self._metric(name, "Sum") for name in SUBSCRIPTION_ERRORS}),
            topic=topic,
            threshold=0,
            description="Connections, subscriptions or messages to subscribers failed in AppSync: "
            "devices that are online miss changes until they synchronise again.",
        )
        for name, table in tables.items():
            alarm(
                self,
                f"{name}Throttled",
                self._sum(
                    {
                        metric: cloudwatch.Metric(
                            namespace="AWS/DynamoDB",
                            metric_name=metric,
                            dimensions_map={"TableName": table.table_name},
                            statistic="Sum",
                            period=FIVE_MINUTES,
                        )
                        for metric in THROTTLED
                    }
                ),
                topic=topic,
                threshold=0,
                description=f"DynamoDB throttled the table {name}.",
            )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/AppSync",
            metric_name=name,
            dimensions_map={"GraphQLAPIId": self._api_id},
            statistic=statistic,
            period=FIVE_MINUTES,
        )

    def _sum(self, metrics: Mapping[str, cloudwatch.IMetric]) -> cloudwatch.MathExpression:
        """The sum of metrics that report only when they have something to report."""
        named = {name[0].lower() + name[1:]: metric for name, metric in metrics.items()}
        return cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0)" for name in named),
            using_metrics=named,
            period=FIVE_MINUTES,
            label="Errors",
        )
