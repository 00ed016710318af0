"""DynamoDB's time to live, on AppSync's clock.

The engine's DynamoDB deletes what expired by the wall clock, within a minute. When a test sets
AppSync's clock forward, delta rows and tombstones that are past their `_ttl` go at once.
"""

from __future__ import annotations

from typing import Any

from local.appsync.deployed_api import api_ids
from local.appsync.tables import Tables
from local.appsync.versioned_source import TableSource


def delete_expired(tables: Tables, now: int) -> int:
    """Delete the expired rows of all versioned data sources; returns how many."""
    from ministack.services import appsync

    deleted = 0
    for name in sorted(
        {
            table
            for api_id in api_ids()
            for record in (appsync._data_sources.get(api_id) or {}).values()
            if record["type"] == "AMAZON_DYNAMODB"
            for source in (TableSource.of(record),)
            if source.versioned
            for table in (source.table, source.delta_table)
        }
    ):
        deleted += _sweep(tables, name, now)
    return deleted


def _sweep(tables: Tables, name: str, now: int) -> int:
    keys = tables.key_names(name)
    request: dict[str, Any] = {
        "TableName": name,
        "FilterExpression": "#t < :now",
        "ExpressionAttributeNames": {"#t": "_ttl"},
        "ExpressionAttributeValues": {":now": {"N": str(now)}},
    }
    deleted = 0
    while True:
        answer = tables.call("Scan", request)
        for item in answer["Items"]:
            key = {each: item[each] for each in keys}
            tables.call("DeleteItem", {"TableName": name, "Key": key})
            deleted += 1
        if not answer.get("LastEvaluatedKey"):
            return deleted
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
