"""The tables behind versioned data sources."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.appsync_source import Index
from stacks.constructs.on_demand_table import on_demand_table

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
        self.delta = self._table("Delta", partition_key="ds_pk", sort_key="ds_sk")

    def add(self, model: str, indexes: tuple[Index, ...]) -> dynamodb.Table:
        """The base table of a model, with an index for every query that reads by another key."""
        table = self._table(model, partition_key="id")
        for index in indexes:
            table.add_global_secondary_index(
                index_name=index.name,
                partition_key=dynamodb.Attribute(name=index.partition, type=TEXT),
                sort_key=dynamodb.Attribute(name=index.sort, type=TEXT),
            )
        return table

    def _table(
        self, construct_id: str, *, partition_key: str, sort_key: str = ""
    ) -> dynamodb.Table:
        return on_demand_table(
            self,
            construct_id,
            partition_key=partition_key,
            sort_key=sort_key,
            expiry_attribute=EXPIRY_ATTRIBUTE,
            encryption_key=self._key,
            retain_data=self._retain_data,
        )
