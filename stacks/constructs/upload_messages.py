"""A message in the queue for every document that is uploaded."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class UploadMessages(Construct):
    """Objects created under a prefix of a bucket become messages, by an EventBridge rule.

    EventBridge rather than the bucket's own notification: the bucket lives in another stack, and a
    notification there would name this stack's queue and tie the two in a circle. The queue's policy
    lets EventBridge send on behalf of this very rule only
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions).
    Events that cannot be delivered for a day go to the dead-letter queue instead of being lost.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        prefix: str,
        queue: sqs.IQueue,
        dead_letter_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.rule = events.Rule(
            self,
            "Rule",
            description=f"Documents uploaded under {prefix} become messages",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {"key": [{"prefix": prefix}]},
                },
            ),
            targets=[
                targets.SqsQueue(
                    queue, dead_letter_queue=dead_letter_queue, max_event_age=Duration.days(1)
                )
            ],
        )
