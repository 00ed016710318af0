"""The queue of work, and the queue of what could not be done."""

from __future__ import annotations

from aws_cdk import Arn, ArnComponents, Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.escape_hatch import resource_of

# The longest that SQS keeps a message.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
DEAD_LETTER_RETENTION = Duration.days(14)


class DrainedQueue(Construct):
    """A queue with long polling by default, and a dead-letter queue only it may use.

    Keys are managed by SQS unless a key is given: that costs nothing, and needs no permission on
    either side (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html).
    The dead-letter queue keeps messages for 14 days, because their age counts from the first send
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).
    The queue has a fixed name: the dead-letter queue's redrive allow policy and the queue's redrive
    policy name each other, which CloudFormation can only build when one ARN is known beforehand.

    Attributes: `queue`, `dead_letter_queue`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        queue_name: str,
        visibility_timeout_seconds: int,
        wait_time_seconds: int,
        retention_days: int,
        max_receive_count: int,
        encryption_key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        encryption = sqs.QueueEncryption.KMS if encryption_key else sqs.QueueEncryption.SQS_MANAGED
        source_arn = Arn.format(ArnComponents(service="sqs", resource=queue_name), Stack.of(self))
        self.dead_letter_queue = sqs.Queue(
            self,
            "DeadLetters",
            encryption=encryption,
            encryption_master_key=encryption_key,
            enforce_ssl=True,
            retention_period=DEAD_LETTER_RETENTION,
            receive_message_wait_time=Duration.seconds(wait_time_seconds),
            removal_policy=RemovalPolicy.DESTROY,
        )
        resource_of(self.dead_letter_queue, sqs.CfnQueue).redrive_allow_policy = {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [source_arn],
        }
        acknowledge(
            self.dead_letter_queue,
            "Serverless::Serverless-SQSRedrivePolicy",
            reason="This is the dead-letter queue: what arrives here has nowhere further to go.",
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=queue_name,
            encryption=encryption,
            encryption_master_key=encryption_key,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(visibility_timeout_seconds),
            receive_message_wait_time=Duration.seconds(wait_time_seconds),
            retention_period=Duration.days(retention_days),
            dead_letter_queue=sqs.DeadLetterQueue(
                max_receive_count=max_receive_count, queue=self.dead_letter_queue
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
