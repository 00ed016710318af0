"""What has been done already, for jobs whose effects must not happen twice."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

KEY_ATTRIBUTE = "id"
EXPIRY_ATTRIBUTE = "expires_at"


class IdempotencyTable(Construct):
    """A ledger of finished messages that forgets by time to live.

    On demand, so it costs nothing while nothing is written. Point-in-time recovery is on: a ledger
    that is lost lets effects happen twice. Items expire within days of `expires_at` (epoch seconds)
    without write charges
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, encryption_key: kms.IKey | None
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(
                name=KEY_ATTRIBUTE, type=dynamodb.AttributeType.STRING
            ),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=EXPIRY_ATTRIBUTE,
            encryption=(
                dynamodb.TableEncryption.CUSTOMER_MANAGED
                if encryption_key
                else dynamodb.TableEncryption.DEFAULT
            ),
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
