"""Tables that are paid for by the request."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge


def on_demand_table(
    scope: Construct,
    construct_id: str,
    *,
    partition_key: str,
    sort_key: str = "",
    expiry_attribute: str,
    encryption_key: kms.IKey | None = None,
    retain_data: bool | None = None,
    unrecovered: str = "",
) -> dynamodb.Table:
    """A table whose keys are text, and which forgets by time to live.

    Items outlive the seconds since 1970 in `expiry_attribute` by up to two days, so readers look at
    them too; removing them costs nothing
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html). Point-in-time
    recovery is on, unless `unrecovered` says why it need not be. `retain_data` protects a table
    from deletion, its stack's included; None leaves the protection as it is.
    """
    table = dynamodb.Table(
        scope,
        construct_id,
        partition_key=_text(partition_key),
        sort_key=_text(sort_key) if sort_key else None,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        time_to_live_attribute=expiry_attribute,
        encryption=(
            dynamodb.TableEncryption.CUSTOMER_MANAGED
            if encryption_key
            else dynamodb.TableEncryption.DEFAULT
        ),
        encryption_key=encryption_key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=not unrecovered
        ),
        deletion_protection=retain_data,
        removal_policy=RemovalPolicy.RETAIN if retain_data else RemovalPolicy.DESTROY,
    )
    if unrecovered:
        acknowledge(table, "AwsSolutions::AwsSolutions-DDB3", reason=unrecovered)
    return table


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
