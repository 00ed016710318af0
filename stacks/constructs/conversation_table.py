"""What was said before."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge

# lambda_src/chat/__init__.py describes the items.
PARTITION_KEY, SORT_KEY = "conversation", "turn"
EXPIRY_ATTRIBUTE = "expires_at"


class ConversationTable(Construct):
    """Turns by conversation, forgotten by time to live; on demand, so free while nobody asks.

    A conversation's key begins with tenant and user, who come from the caller's identity: nobody
    reads another one's by naming it. Items outlive `expires_at` by up to two days, so readers look
    at it too (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).

    It goes with its stack in every stage: conversations are kept for days, and not longer than the
    assistant that held them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, point_in_time_recovery: bool
    ) -> None:
        super().__init__(scope, construct_id)
        string = dynamodb.AttributeType.STRING
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=PARTITION_KEY, type=string),
            sort_key=dynamodb.Attribute(name=SORT_KEY, type=string),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=EXPIRY_ATTRIBUTE,
            encryption=dynamodb.TableEncryption.DEFAULT,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=point_in_time_recovery
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        if not point_in_time_recovery:
            acknowledge(
                self.table,
                "AwsSolutions::AwsSolutions-DDB3",
                reason="Recovery is a setting (assistant.memory_recovery), on in prod. What is "
                "lost in dev is what an assistant remembers of a conversation.",
            )
