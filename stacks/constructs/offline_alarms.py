"""When somebody has to look at the API that devices synchronise with."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.service_alarm import Observed, ServiceAlarm

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
        topic_arn = topic.topic_arn
        self._api_id = api_id
        ServiceAlarm(
            self,
            "ServerErrors",
            self._of_api("5XXError"),
            topic_arn=topic_arn,
            threshold=0,
            description="AppSync failed to answer requests.",
        )
        ServiceAlarm(
            self,
            "SlowAnswers",
            self._of_api("Latency", statistic="p90"),
            topic_arn=topic_arn,
            threshold=latency_ms,
            periods=3,
            description="One request in ten takes longer than offline.latency_alarm_ms.",
        )
        ServiceAlarm(
            self,
            "UntoldSubscribers",
            self._of_api(*SUBSCRIPTION_ERRORS),
            topic_arn=topic_arn,
            threshold=0,
            description="Connections, subscriptions or messages to subscribers failed in AppSync: "
            "devices that are online miss changes until they synchronise again.",
        )
        for name, table in tables.items():
            ServiceAlarm(
                self,
                f"{name}Throttled",
                Observed(
                    namespace="AWS/DynamoDB",
                    names=THROTTLED,
                    dimensions={"TableName": table.table_name},
                ),
                topic_arn=topic_arn,
                threshold=0,
                description=f"DynamoDB throttled the table {name}.",
            )

    def _of_api(self, *names: str, statistic: str = "Sum") -> Observed:
        return Observed(
            namespace="AWS/AppSync",
            names=names,
            dimensions={"GraphQLAPIId": self._api_id},
            statistic=statistic,
        )
