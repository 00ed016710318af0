"""Pings that keep copies of a function warm."""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.failed_invocations import SHORTEST_EVENT_AGE_SECONDS

EVENTS = "events.amazonaws.com"


class KeepWarm(Construct):
    """One scheduled rule, with a target for each copy, all of them the alias.

    - A rule, not EventBridge Scheduler: a schedule has one target and starts at some second of its
      minute (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html), so the
      pings of several schedules would come one after the other and find the same copy. All targets
      of one rule are invoked at once; a rule has five at most
      (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html).
    - Each ping holds its copy for a moment, so that the others need copies of their own
      (lambda_src/edge/keep_warm.py).
    - The alias, because copies belong to a version: a ping of `$LATEST` would warm copies that no
      request reaches.
    - Rules invoke functions asynchronously. A ping is worth nothing later, so neither side tries
      again; what cannot be delivered goes to `failures`.

    Rules are free of charge for scheduled events on the default bus
    (https://aws.amazon.com/eventbridge/pricing/); pings are invocations like any other.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.Alias,
        failures: sqs.Queue,
        minutes: int,
        copies: int,
        hold_ms: int,
    ) -> None:
        super().__init__(scope, construct_id)
        retries = events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=SHORTEST_EVENT_AGE_SECONDS, maximum_retry_attempts=0
        )
        self.rule = events.CfnRule(
            self,
            "Rule",
            description=f"Keeps {copies} copies of a function warm",
            schedule_expression=events.Schedule.rate(Duration.minutes(minutes)).expression_string,
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id=f"Ping{number}",
                    arn=alias.function_arn,
                    input=json.dumps(ping(number=number, of=copies, hold_ms=hold_ms)),
                    retry_policy=retries,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=failures.queue_arn
                    ),
                )
                for number in range(1, copies + 1)
            ],
        )
        alias.add_permission(
            "KeepWarm",
            principal=iam.ServicePrincipal(EVENTS),
            source_arn=self.rule.attr_arn,
        )
        failures.add_to_resource_policy(
            iam.PolicyStatement(
                sid="PingsOfThisRule",
                principals=[iam.ServicePrincipal(EVENTS)],
                actions=["sqs:SendMessage"],
                resources=[failures.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": self.rule.attr_arn}},
            )
        )


def ping(*, number: int, of: int, hold_ms: int) -> dict[str, object]:
    """The payload that lambda_src/edge/keep_warm.py answers; a test compares the two."""
    return {"groundwork": {"warm": {"ping": number, "of": of, "hold_ms": hold_ms}}}
