"""How far jobs are: what the API submitted, and what the fleet finished."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge

# lambda_src/jobs/__init__.py describes the items.
PARTITION_KEY, SORT_KEY = "job", "document"
EXPIRY_ATTRIBUTE = "expires_at"


class JobsTable(Construct):
    """One table that forgets by time to live, on demand: free while nothing is submitted.

    It belongs to the fleet, which writes most of it, so that stacks depend on each other one way
    only: the API comes after the fleet, whose queue it needs as well.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: kms.IKey | None,
        point_in_time_recovery: bool,
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
            encryption=(
                dynamodb.TableEncryption.CUSTOMER_MANAGED
                if encryption_key
                else dynamodb.TableEncryption.DEFAULT
            ),
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=point_in_time_recovery
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        if not point_in_time_recovery:
            acknowledge(
                self.table,
                "AwsSolutions::AwsSolutions-DDB3",
                reason="Recovery is a setting (fleet.job_recovery), on in prod. What is lost in "
                "dev is the progress of jobs, not a document.",
            )
