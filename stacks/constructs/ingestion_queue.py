"""Changes of documents that wait to be ingested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.kept_queue import kept_queue


class IngestionQueue(Construct):
    """A message for every object that is created or deleted, and for every deployment; no
    dead-letter queue behind them.

    A message waits until a job that started after it is complete, which takes hours when the job
    before it has a lot to do. Every look at it counts as a receive, and a redrive policy allows
    1,000 at most
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html),
    which one look a minute reaches after 16 hours: with a redrive policy, patience would be taken
    for failure, and the change would not be ingested. Nothing that a message says is read, only
    when it came, so none of them can be the poison that dead-letter queues are there for. What
    keeps a message from being done with is Bedrock, or a bug, and either is the same for all of
    them: they stay, for 14 days, and their age is an alarm.

    By an EventBridge rule, as uploads reach the fleet: the bucket is in another stack, and a
    notification of its own would name this queue and tie the stacks in a circle. Deletions count:
    a document that is gone must not be answered from. What EventBridge cannot deliver for a day is
    kept in `undelivered`; one message there is as good as a thousand, since a job always compares
    the whole bucket.

    A deployment counts because documents that are there already announce nothing: a knowledge base
    or data source that is new, or has replaced another one, would stay empty until somebody uploads
    something. CloudFormation tells EventBridge when the stack is made or changed, durably
    (https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cloudformation.html), and the
    rule is there early in a deployment that takes minutes. Where nothing has changed, the job
    compares the bucket and ends; that the answer cache begins anew is its price.

    Attributes: `queue`, `undelivered`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        prefix: str,
        visibility_seconds: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.queue = kept_queue(
            self,
            "Changes",
            visibility=Duration.seconds(visibility_seconds),
            reason="Messages wait for Bedrock, not for a cure, and longer than a redrive policy "
            "allows; see the construct.",
        )
        self.undelivered = kept_queue(self, "Undelivered")
        object_ = {"object": {"key": [{"prefix": prefix}]}} if prefix else {}
        self._hear(
            "Rule",
            "Prepared documents that change wait to be ingested",
            source="aws.s3",
            detail_types=["Object Created", "Object Deleted"],
            detail={"bucket": {"name": [bucket.bucket_name]}, **object_},
        )
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
        self._hear(
            "Deployed",
            "Documents that are there already wait to be ingested anew",
            source="aws.cloudformation",
            detail_types=["CloudFormation Stack Status Change"],
            detail={
                "stack-id": [Aws.STACK_ID],
                "status-details": {"status": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]},
            },
        )

    def _hear(
        self,
        construct_id: str,
        description: str,
        *,
        source: str,
        detail_types: list[str],
        detail: Mapping[str, Any],
    ) -> None:
        events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=events.EventPattern(
                source=[source], detail_type=detail_types, detail=detail
            ),
            targets=[
                targets.SqsQueue(
                    self.queue, dead_letter_queue=self.undelivered, max_event_age=Duration.days(1)
                )
            ],
        )
