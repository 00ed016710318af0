"""The tables behind versioned data sources."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.appsync_source import Index

TEXT = dynamodb.AttributeType.STRING
EXPIRY_ATTRIBUTE = "_ttl"


class VersionedTables(Construct):
    """Base tables, and the one delta table that their data sources share.

    AppSync alone writes to them. It keeps a version on every item, a copy of every change in the
    delta table, and a tombstone of what is deleted, and dates the last two by `_ttl` for DynamoDB
    to remove; names and keys of the delta table are AppSync's
    (https://docs.aws.amazon.com/appsync/latest/devguide/versioned-data-sources.html). Whoever
    writes to a table directly leaves the version as it was, no change in the delta table and no
    word to subscribers: devices would never hear of it.

    On demand, so nothing is paid while nobody writes; every change is written twice. Point-in-time
    recovery is on (0.20 USD per GB and month), for the delta table too, whose rows are few.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        retain_data: bool,
        encryption_key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._retain_data = retain_data
        self._key = encryption_key
        self.delta = self._table(
            "Delta",
            partition_key=dynamodb.Attribute(name="ds_pk", type=TEXT),
            sort_key=dynamodb.Attribute(name="ds_sk", type=TEXT),
        )

    def add(self, model: str, indexes: tuple[Index, ...]) -> dynamodb.Table:
        """The base table of a model, with an index for every query that reads by another key."""
        table = self._table(model, partition_key=dynamodb.Attribute(name="id", type=TEXT))
        for index in indexes:
            table.add_global_secondary_index(
                index_name=index.name,
                partition_key=dynamodb.Attribute(name=index.partition, type=TEXT),
                sort_key=dynamodb.Attribute(name=index.sort, type=TEXT),
            )
        return table

    def _table(
        self,
        construct_id: str,
        *,
        partition_key: dynamodb.Attribute,
        sort_key: dynamodb.Attribute | None = None,
    ) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            construct_id,
            partition_key=partition_key,
            sort_key=sort_key,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=EXPIRY_ATTRIBUTE,
            encryption=(
                dynamodb.TableEncryption.CUSTOMER_MANAGED
                if self._key
                else dynamodb.TableEncryption.DEFAULT
            ),
            encryption_key=self._key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=self._retain_data,
            removal_policy=RemovalPolicy.RETAIN if self._retain_data else RemovalPolicy.DESTROY,
        )
