"""Sync: the whole base table first, afterwards only the delta.

https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-conflict-detection-and-sync-sync-operations.html
https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-sync.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from local.appsync.attribute_values import plain_item, typed
from local.appsync.clock import Clock, utc
from local.appsync.errors import FieldError
from local.appsync.expressions import Expression, parameters
from local.appsync.page_tokens import opened, sealed
from local.appsync.tables import Tables
from local.appsync.versioned_source import DELTA_ONLY, TableSource

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000


class SyncReads:
    """The Sync operation on one versioned data source."""

    def __init__(self, *, source: TableSource, tables: Tables, clock: Clock) -> None:
        self._source = source
        self._tables = tables
        self._clock = clock

    def read(self, request: Mapping[str, Any], scope: str) -> dict[str, Any]:
        """One page: `items`, `nextToken`, `scannedCount` and the first page's `startedAt`."""
        limit = _limit(request.get("limit"))
        token = request.get("nextToken")
        position = opened(str(token), scope) if token else self._beginning(request.get("lastSync"))
        page = self._delta if "day" in position else self._base
        items, scanned, following = page(request, position, limit)
        return {
            "items": items,
            "nextToken": sealed(following, scope) if following else None,
            "startedAt": position["startedAt"],
            "scannedCount": scanned,
        }

    def _beginning(self, last_sync: Any) -> dict[str, Any]:
        """The delta from the moment of the last sync, if the delta table still reaches that far."""
        now = self._clock.milliseconds()
        if last_sync is None or int(last_sync) < now - self._source.delta_minutes * 60_000:
            return {"startedAt": now, "key": None}
        moment = utc(int(last_sync))
        return {
            "startedAt": now,
            "key": None,
            "day": moment.strftime("%Y-%m-%d"),
            "from": moment.strftime("%H:%M:%S.%f")[:-3],
        }

    def _base(
        self, request: Mapping[str, Any], position: Mapping[str, Any], limit: int
    ) -> tuple[list[dict[str, Any]], int, dict[str, Any] | None]:
        partition = request.get("basePartitionKey")
        key = Expression()
        if partition is not None:
            name = self._tables.key_names(self._source.table)[0]
            key = _equal(name, str(partition))
        answer = self._page(
            "Query" if key.text else "Scan", self._source.table, key, request, position, limit
        )
        last = answer.get("LastEvaluatedKey")
        following = {**position, "key": last} if last else None
        return _items(answer), int(answer["ScannedCount"]), following

    def _delta(
        self, request: Mapping[str, Any], position: Mapping[str, Any], limit: int
    ) -> tuple[list[dict[str, Any]], int, dict[str, Any] | None]:
        """Day by day: the partition key of the delta table holds the day."""
        today = utc(position["startedAt"]).strftime("%Y-%m-%d")
        items: list[dict[str, Any]] = []
        scanned = 0
        while True:
            key = self._delta_key(request, position)
            answer = self._page(
                "Query", self._source.delta_table, key, request, position, limit - scanned
            )
            items += _items(answer)
            scanned += int(answer["ScannedCount"])
            if answer.get("LastEvaluatedKey"):
                position = {**position, "key": answer["LastEvaluatedKey"]}
            elif position["day"] >= today:
                return items, scanned, None
            else:
                position = {**position, "day": _next(position["day"]), "from": "", "key": None}
            if scanned >= limit:
                return items, scanned, dict(position)

    def _delta_key(self, request: Mapping[str, Any], position: Mapping[str, Any]) -> Expression:
        prefix = "gsi_" if request.get("deltaIndexName") else ""
        partition = f"{self._source.table}:{position['day']}"
        if request.get("basePartitionKey") is not None and not prefix:
            partition = f"{partition}:{request['basePartitionKey']}"
        key = _equal(f"{prefix}ds_pk", partition)
        if not position.get("from"):
            return key
        since = Expression(
            text="#appsync_sk >= :appsync_sk",
            names={"#appsync_sk": f"{prefix}ds_sk"},
            values={":appsync_sk": typed(position["from"])},
        )
        return Expression(
            text=f"{key.text} AND {since.text}",
            names={**key.names, **since.names},
            values={**key.values, **since.values},
        )

    def _page(
        self,
        operation: str,
        table: str,
        key: Expression,
        request: Mapping[str, Any],
        position: Mapping[str, Any],
        limit: int,
    ) -> dict[str, Any]:
        call: dict[str, Any] = {"TableName": table, "Limit": limit}
        if position.get("key"):
            call["ExclusiveStartKey"] = position["key"]
        if request.get("deltaIndexName") and table == self._source.delta_table:
            call["IndexName"] = request["deltaIndexName"]
        call |= parameters(
            KeyConditionExpression=key, FilterExpression=Expression.of(request.get("filter"))
        )
        return self._tables.call(operation, call)


def _limit(given: Any) -> int:
    limit = DEFAULT_LIMIT if given is None else int(given)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise FieldError(f"limit {limit} must be from 1 to {LARGEST_LIMIT}", "BadRequest")
    return limit


def _equal(name: str, value: str) -> Expression:
    return Expression(
        text="#appsync_pk = :appsync_pk",
        names={"#appsync_pk": name},
        values={":appsync_pk": typed(value)},
    )


def _items(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        plain_item({name: value for name, value in item.items() if name not in DELTA_ONLY})
        for item in answer["Items"]
    ]


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
