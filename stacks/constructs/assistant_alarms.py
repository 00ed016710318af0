"""When somebody has to look at the assistant."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.guardrail import Guardrail
from stacks.constructs.service_alarm import Observed, ServiceAlarm
from stacks.settings_assistant import AssistantSettings

HOUR = 3600
MILLION = 1_000_000


class AssistantAlarms(Construct):
    """Throttling and errors of the model, slow answers, cost, guardrail, memory.

    By the metrics of the services (https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-runtime-metrics.html,
    https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-guardrails-cw-metrics.html): the
    function's own (`Groundwork/Chat`) have the tenant as their dimension, and tenants are not
    known beforehand. Metrics of a model are those of all its callers in this account and Region.
    See docs/operations.md.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: AssistantSettings,
        api_id: str,
        conversations: dynamodb.ITable,
        guardrail: Guardrail | None,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._topic_arn = topic.topic_arn
        self._add(
            "ModelThrottled",
            self._of_model("InvocationThrottles"),
            periods=2,
            description="Bedrock throttles the model: its quota of tokens or requests is used up, "
            "and callers are told to try again.",
        )
        self._add(
            "ModelErrors",
            self._of_model("InvocationServerErrors", "InvocationClientErrors"),
            periods=2,
            description="Requests to the model fail: no access to it, a wrong parameter, or a "
            "fault in Bedrock.",
        )
        self._add(
            "SlowAnswers",
            Observed(
                namespace="AWS/ApiGateway",
                names=["Latency"],
                dimensions={"ApiId": api_id},
                statistic="p90",
            ),
            threshold=settings.latency_alarm_ms,
            periods=3,
            description="One answer in ten takes longer than assistant.latency_alarm_ms.",
        )
        self._add(
            "MemoryThrottled",
            Observed(
                namespace="AWS/DynamoDB",
                names=["ReadThrottleEvents", "WriteThrottleEvents"],
                dimensions={"TableName": conversations.table_name},
            ),
            description="DynamoDB throttled the table of conversations.",
        )
        if guardrail:
            self._add(
                "GuardrailInterventions",
                Observed(
                    namespace="AWS/Bedrock/Guardrails",
                    names=["InvocationsIntervened"],
                    dimensions={
                        "GuardrailArn": guardrail.guardrail_arn,
                        "GuardrailVersion": guardrail.version,
                    },
                ),
                threshold=settings.intervention_alarm,
                description="The guardrail stops or masks more than assistant.intervention_alarm "
                "texts in five minutes: somebody tries, or it is set too strictly.",
            )
        self._cost()

    def _add(
        self,
        construct_id: str,
        observed: Observed,
        *,
        threshold: float = 0,
        periods: int = 1,
        description: str,
    ) -> None:
        ServiceAlarm(
            self,
            construct_id,
            observed,
            topic_arn=self._topic_arn,
            threshold=threshold,
            periods=periods,
            description=description,
        )

    def _of_model(self, *names: str) -> Observed:
        return Observed(
            namespace="AWS/Bedrock", names=names, dimensions={"ModelId": self._settings.model_id}
        )

    def _cost(self) -> None:
        """USD an hour, from tokens and list prices; what other parts of an answer cost is little.

        By the hour, because an account that is emptied overnight is noticed too late by a bill.
        """
        entered, left = self._settings.token_prices
        cost = f"(FILL(input, 0) * {entered} + FILL(output, 0) * {left}) / {MILLION}"
        cloudwatch.CfnAlarm(
            self,
            "Cost",
            alarm_description="The model's tokens cost more than assistant.cost_alarm_usd in an "
            "hour.",
            comparison_operator="GreaterThanThreshold",
            threshold=self._settings.cost_alarm_usd,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[self._topic_arn],
            ok_actions=[self._topic_arn],
            metrics=[
                {"id": "cost", "expression": cost, "label": "USD an hour", "returnData": True},
                self._tokens("input", "InputTokenCount"),
                self._tokens("output", "OutputTokenCount"),
            ],
        )

    def _tokens(self, identifier: str, name: str) -> dict[str, Any]:
        return {
            "id": identifier,
            "metricStat": {
                "metric": {
                    "namespace": "AWS/Bedrock",
                    "metricName": name,
                    "dimensions": [{"name": "ModelId", "value": self._settings.model_id}],
                },
                "period": HOUR,
                "stat": "Sum",
            },
            "returnData": False,
        }
