"""What a DynamoDB data source and a resolver's SyncConfig say.

https://docs.aws.amazon.com/appsync/latest/devguide/versioned-data-sources.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METADATA = ("_version", "_lastChangedAt", "_deleted", "_ttl")
DELTA_ONLY = ("ds_pk", "ds_sk", "gsi_ds_pk", "gsi_ds_sk", "_ttl")


@dataclass(frozen=True, kw_only=True)
class TableSource:
    """A data source of type AMAZON_DYNAMODB; the times to live are minutes."""

    name: str
    table: str
    versioned: bool = False
    delta_table: str = ""
    base_minutes: int = 0
    delta_minutes: int = 0

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> TableSource:
        """From the record of CreateDataSource."""
        config = record.get("dynamodbConfig") or {}
        delta = config.get("deltaSyncConfig") or {}
        return cls(
            name=str(record["name"]),
            table=str(config.get("tableName", "")),
            versioned=str(config.get("versioned", False)).lower() == "true",
            delta_table=str(delta.get("deltaSyncTableName", "")),
            base_minutes=int(delta.get("baseTableTTL") or 0),
            delta_minutes=int(delta.get("deltaSyncTableTTL") or 0),
        )


@dataclass(frozen=True, kw_only=True)
class ConflictRules:
    """A resolver's or function's SyncConfig.

    https://docs.aws.amazon.com/appsync/latest/APIReference/API_SyncConfig.html
    """

    detection: str = "NONE"
    handler: str = "NONE"
    function: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any] | None) -> ConflictRules:
        """From the record of CreateResolver or CreateFunction."""
        config = config or {}
        handler = config.get("lambdaConflictHandlerConfig") or {}
        return cls(
            detection=str(config.get("conflictDetection") or "NONE"),
            handler=str(config.get("conflictHandler") or "NONE"),
            function=str(handler.get("lambdaConflictHandlerArn") or ""),
        )


@dataclass(frozen=True, kw_only=True)
class FieldCall:
    """Which field is resolved, for whom: what a conflict handler is told."""

    parent_type: str
    field: str
    arguments: Mapping[str, Any]
    identity: Mapping[str, Any] | None
    region: str
    scope: str
    """The resolver or function; page tokens are good for one."""
