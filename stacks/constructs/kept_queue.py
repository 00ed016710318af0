"""Queues that nothing comes after."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge

# The longest that SQS keeps a message.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
LONGEST = Duration.days(14)
LAST_STOP = "What arrives here has nowhere further to go: an alarm calls somebody."


def kept_queue(
    scope: Construct,
    construct_id: str,
    *,
    kept: Duration = LONGEST,
    visibility: Duration | None = None,
    reason: str = LAST_STOP,
) -> sqs.Queue:
    """A queue without a dead-letter queue behind it, and the `reason` for that."""
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=kept,
        visibility_timeout=visibility,
        receive_message_wait_time=Duration.seconds(20),
        removal_policy=RemovalPolicy.DESTROY,
    )
    for rule in (
        "AwsSolutions::AwsSolutions-SQS3",
        "Serverless::Serverless-SQSRedrivePolicy",
    ):
        acknowledge(queue, rule, reason=reason)
    return queue
