"""When somebody has to look at a function."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.alarm import alarm

FIVE_MINUTES = Duration.minutes(5)
NEAR_THE_END = 0.9


class FunctionAlarms(Construct):
    """Errors, throttles, time-outs to come, spill-over, lost events: see docs/operations.md.

    Of the function as a whole, whatever its callers ask for; only spill-over is counted by Lambda
    for the alias (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.Alias,
        timeout_seconds: int,
        provisioned: bool,
        failures: sqs.IQueue | None,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._function = alias.version.lambda_.function_name
        alarm(
            self,
            "Errors",
            self._metric("Errors", "Sum"),
            topic=topic,
            threshold=0,
            description="Invocations ended with an error that the handler did not answer: a bug, "
            "a time-out, or too little memory.",
        )
        alarm(
            self,
            "Throttles",
            self._metric("Throttles", "Sum"),
            topic=topic,
            threshold=0,
            description="Lambda refused invocations: reserved concurrency or the account's quota "
            "is used up.",
        )
        alarm(
            self,
            "NearTimeout",
            self._metric("Duration", "Maximum"),
            topic=topic,
            threshold=NEAR_THE_END * timeout_seconds * 1000,
            description="An invocation took more than 90 % of the time-out.",
        )
        if provisioned:
            resource = f"{self._function}:{alias.alias_name}"
            alarm(
                self,
                "SpillOver",
                self._metric("ProvisionedConcurrencySpilloverInvocations", "Sum", resource),
                topic=topic,
                threshold=0,
                periods=3,
                description="Requests exceed the provisioned copies for a quarter of an hour: "
                "they run on demand, some of them cold.",
            )
        if failures:
            alarm(
                self,
                "FailedEvents",
                failures.metric_approximate_number_of_messages_visible(
                    period=FIVE_MINUTES, statistic="Maximum"
                ),
                topic=topic,
                threshold=0,
                description="Asynchronous invocations failed for good, or a rule could not reach "
                "the function.",
            )

    def _metric(self, name: str, statistic: str, resource: str | None = None) -> cloudwatch.Metric:
        dimensions = {"FunctionName": self._function}
        if resource:
            dimensions["Resource"] = resource
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=FIVE_MINUTES,
        )
