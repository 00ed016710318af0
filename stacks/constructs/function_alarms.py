"""When somebody has to look at a function."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.service_alarm import Observed, ServiceAlarm, of_queue

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
        topic_arn = topic.topic_arn
        self._function = alias.version.lambda_.function_name
        ServiceAlarm(
            self,
            "Errors",
            self._of_function("Errors"),
            topic_arn=topic_arn,
            threshold=0,
            description="Invocations ended with an error that the handler did not answer: a bug, "
            "a time-out, or too little memory.",
        )
        ServiceAlarm(
            self,
            "Throttles",
            self._of_function("Throttles"),
            topic_arn=topic_arn,
            threshold=0,
            description="Lambda refused invocations: reserved concurrency or the account's quota "
            "is used up.",
        )
        ServiceAlarm(
            self,
            "NearTimeout",
            self._of_function("Duration", statistic="Maximum"),
            topic_arn=topic_arn,
            threshold=NEAR_THE_END * timeout_seconds * 1000,
            description="An invocation took more than 90 % of the time-out.",
        )
        if provisioned:
            resource = f"{self._function}:{alias.alias_name}"
            ServiceAlarm(
                self,
                "SpillOver",
                self._of_function("ProvisionedConcurrencySpilloverInvocations", resource=resource),
                topic_arn=topic_arn,
                threshold=0,
                periods=3,
                description="Requests exceed the provisioned copies for a quarter of an hour: "
                "they run on demand, some of them cold.",
            )
        if failures:
            ServiceAlarm(
                self,
                "FailedEvents",
                of_queue(failures),
                topic_arn=topic_arn,
                threshold=0,
                description="Asynchronous invocations failed for good, or a rule could not reach "
                "the function.",
            )

    def _of_function(
        self, name: str, *, statistic: str = "Sum", resource: str | None = None
    ) -> Observed:
        dimensions = {"FunctionName": self._function}
        if resource:
            dimensions["Resource"] = resource
        return Observed(
            namespace="AWS/Lambda", names=[name], dimensions=dimensions, statistic=statistic
        )
