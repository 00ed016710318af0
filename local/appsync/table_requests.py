"""The DynamoDB requests that resolvers make, run with the expressions they carry.

https://docs.aws.amazon.com/appsync/latest/devguide/js-resolver-reference-dynamodb.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.appsync.attribute_values import plain_item
from local.appsync.clock import Clock
from local.appsync.errors import FieldError
from local.appsync.expressions import Expression, parameters
from local.appsync.page_tokens import opened, sealed
from local.appsync.sync_reads import SyncReads
from local.appsync.tables import CONDITION_FAILED, Tables
from local.appsync.versioned_source import ConflictRules, FieldCall, TableSource
from local.appsync.versioned_writes import LambdaInvoker, VersionedWrites

WRITES = ("PutItem", "UpdateItem", "DeleteItem")
ON_VERSIONED = (
    "TransactGetItems",
    "PutItem",
    "BatchGetItem",
    "Scan",
    "Query",
    "GetItem",
    "DeleteItem",
    "UpdateItem",
    "Sync",
)
PROJECTED = ("SPECIFIC_ATTRIBUTES",)


class TableRequests:
    """Runs the requests of all DynamoDB data sources."""

    def __init__(self, *, tables: Tables, clock: Clock, invoke: LambdaInvoker) -> None:
        self._tables = tables
        self._clock = clock
        self._invoke = invoke

    def run(
        self,
        request: Mapping[str, Any],
        source: TableSource,
        rules: ConflictRules,
        field: FieldCall,
    ) -> Any:
        """`ctx.result` of the response handler. Raises FieldError, which becomes `ctx.error`."""
        operation = str(request.get("operation"))
        if source.versioned and operation not in ON_VERSIONED:
            raise FieldError(
                f"Unsupported operation '{operation}'. Datasource Versioning only supports the "
                f"following operations ({','.join(ON_VERSIONED)}).",
                "UnsupportedOperation",
            )
        if source.versioned and operation in WRITES:
            writes = VersionedWrites(
                source=source, tables=self._tables, clock=self._clock, invoke=self._invoke
            )
            return writes.write(request, rules, field)
        if operation == "Sync":
            return self._sync(request, source, field)
        handler = getattr(self, OPERATIONS.get(operation, "_unknown"))
        return handler(request, source, field)

    def _sync(self, request: Mapping[str, Any], source: TableSource, field: FieldCall) -> Any:
        if not source.versioned:
            raise FieldError("Sync needs a versioned data source", "UnsupportedOperation")
        reads = SyncReads(source=source, tables=self._tables, clock=self._clock)
        return reads.read(request, field.scope)

    def _unknown(self, request: Mapping[str, Any], _source: TableSource, _field: FieldCall) -> Any:
        raise FieldError(f"Unsupported operation '{request.get('operation')}'.", "BadRequest")

    # One item

    def _get(self, request: Mapping[str, Any], source: TableSource, _field: FieldCall) -> Any:
        answer = self._tables.call(
            "GetItem",
            {
                "TableName": source.table,
                "Key": _given(request, "key"),
                "ConsistentRead": bool(request.get("consistentRead")),
                **parameters(ProjectionExpression=Expression.of(request.get("projection"))),
            },
        )
        return plain_item(answer["Item"]) if "Item" in answer else None

    def _put(self, request: Mapping[str, Any], source: TableSource, _field: FieldCall) -> Any:
        item = {**(request.get("attributeValues") or {}), **_given(request, "key")}
        self._write("PutItem", request, source, wanted=item, Item=item)
        return plain_item(item)

    def _update(self, request: Mapping[str, Any], source: TableSource, _field: FieldCall) -> Any:
        answer = self._write(
            "UpdateItem",
            request,
            source,
            update=Expression.of(_given(request, "update")),
            Key=_given(request, "key"),
            ReturnValues="ALL_NEW",
        )
        return plain_item(answer.get("Attributes") or {})

    def _delete(self, request: Mapping[str, Any], source: TableSource, _field: FieldCall) -> Any:
        answer = self._write(
            "DeleteItem", request, source, Key=_given(request, "key"), ReturnValues="ALL_OLD"
        )
        return plain_item(answer["Attributes"]) if answer.get("Attributes") else None

    def _write(
        self,
        operation: str,
        request: Mapping[str, Any],
        source: TableSource,
        *,
        wanted: Mapping[str, Any] | None = None,
        update: Expression | None = None,
        **call: Any,
    ) -> dict[str, Any]:
        """A conditional write; one that failed because it had been done before is no failure.

        https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-condition-expressions.html
        """
        expressions = parameters(
            UpdateExpression=update or Expression(),
            ConditionExpression=Expression.of(request.get("condition")),
        )
        try:
            return self._tables.call(operation, {"TableName": source.table, **call, **expressions})
        except FieldError as error:
            if not str(error.error_type).endswith(CONDITION_FAILED):
                raise
            key = {"TableName": source.table, "Key": request["key"], "ConsistentRead": True}
            now = self._tables.call("GetItem", key).get("Item")
            if operation == "DeleteItem" and now is None:
                return {}
            ignored = set((request.get("condition") or {}).get("equalsIgnore") or ())
            if operation == "PutItem" and now and _same(now, wanted or {}, ignored):
                return {}
            error.data = plain_item(now) if now else None
            raise

    # Several items

    def _query(self, request: Mapping[str, Any], source: TableSource, field: FieldCall) -> Any:
        key = Expression.of(_given(request, "query"))
        forward = {"ScanIndexForward": request.get("scanIndexForward") is not False}
        return self._read_page("Query", request, source, field, key, forward)

    def _scan(self, request: Mapping[str, Any], source: TableSource, field: FieldCall) -> Any:
        parts = {
            name: request[member]
            for member, name in (("totalSegments", "TotalSegments"), ("segment", "Segment"))
            if request.get(member) is not None
        }
        return self._read_page("Scan", request, source, field, Expression(), parts)

    def _read_page(
        self,
        operation: str,
        request: Mapping[str, Any],
        source: TableSource,
        field: FieldCall,
        key: Expression,
        more: Mapping[str, Any],
    ) -> dict[str, Any]:
        call: dict[str, Any] = {
            "TableName": source.table,
            "ConsistentRead": bool(request.get("consistentRead")),
            **more,
        }
        if request.get("index"):
            call["IndexName"] = request["index"]
        if request.get("limit") is not None:
            call["Limit"] = int(request["limit"])
        if request.get("select") and request["select"] not in PROJECTED:
            call["Select"] = request["select"]
        if request.get("nextToken"):
            call["ExclusiveStartKey"] = opened(str(request["nextToken"]), field.scope)["key"]
        call |= parameters(
            KeyConditionExpression=key,
            FilterExpression=Expression.of(request.get("filter")),
            ProjectionExpression=Expression.of(request.get("projection")),
        )
        answer = self._tables.call(operation, call)
        last = answer.get("LastEvaluatedKey")
        return {
            "items": [plain_item(item) for item in answer.get("Items", [])],
            "nextToken": sealed({"key": last}, field.scope) if last else None,
            "scannedCount": answer.get("ScannedCount"),
        }

    def _batch_get(self, request: Mapping[str, Any], _source: TableSource, _: FieldCall) -> Any:
        asked = {
            table: {
                "Keys": each["keys"],
                "ConsistentRead": bool(each.get("consistentRead")),
                **parameters(ProjectionExpression=Expression.of(each.get("projection"))),
            }
            for table, each in _given(request, "tables").items()
        }
        answer = self._tables.call("BatchGetItem", {"RequestItems": asked})
        return {
            "data": {
                table: _in_order(asked[table]["Keys"], answer["Responses"].get(table, []))
                for table in asked
            },
            "unprocessedKeys": {
                table: [plain_item(key) for key in each["Keys"]]
                for table, each in (answer.get("UnprocessedKeys") or {}).items()
            },
        }

    def _batch_put(self, request: Mapping[str, Any], _source: TableSource, _: FieldCall) -> Any:
        return self._batch_write(request, "PutRequest", "Item", "unprocessedItems")

    def _batch_delete(self, request: Mapping[str, Any], _source: TableSource, _: FieldCall) -> Any:
        return self._batch_write(request, "DeleteRequest", "Key", "unprocessedKeys")

    def _batch_write(
        self, request: Mapping[str, Any], kind: str, member: str, left: str
    ) -> dict[str, Any]:
        asked = _given(request, "tables")
        writes = {
            table: [{kind: {member: each}} for each in items] for table, items in asked.items()
        }
        answer = self._tables.call("BatchWriteItem", {"RequestItems": writes})
        return {
            "data": {table: [plain_item(each) for each in items] for table, items in asked.items()},
            left: {
                table: [plain_item(each[kind][member]) for each in items]
                for table, items in (answer.get("UnprocessedItems") or {}).items()
            },
        }

    def _transact_get(self, request: Mapping[str, Any], _source: TableSource, _: FieldCall) -> Any:
        items = [
            {
                "Get": {
                    "TableName": each["table"],
                    "Key": each["key"],
                    **parameters(ProjectionExpression=Expression.of(each.get("projection"))),
                }
            }
            for each in _given(request, "transactItems")
        ]
        answer = self._tables.call("TransactGetItems", {"TransactItems": items})
        found = [
            plain_item(each["Item"]) if each.get("Item") else None for each in answer["Responses"]
        ]
        return {"items": found, "cancellationReasons": None}

    def _transact_write(
        self, request: Mapping[str, Any], _source: TableSource, _: FieldCall
    ) -> Any:
        given = _given(request, "transactItems")
        self._tables.call(
            "TransactWriteItems", {"TransactItems": [_transacted(each) for each in given]}
        )
        return {"keys": [plain_item(each["key"]) for each in given], "cancellationReasons": None}


OPERATIONS = {
    "GetItem": "_get",
    "PutItem": "_put",
    "UpdateItem": "_update",
    "DeleteItem": "_delete",
    "Query": "_query",
    "Scan": "_scan",
    "BatchGetItem": "_batch_get",
    "BatchPutItem": "_batch_put",
    "BatchDeleteItem": "_batch_delete",
    "TransactGetItems": "_transact_get",
    "TransactWriteItems": "_transact_write",
}


def _given(request: Mapping[str, Any], name: str) -> Any:
    if not request.get(name):
        raise FieldError(f"{request.get('operation')} needs '{name}'", "BadRequest")
    return request[name]


def _same(now: Mapping[str, Any], wanted: Mapping[str, Any], ignored: set[str]) -> bool:
    names = (set(now) | set(wanted)) - ignored
    return all(now.get(name) == wanted.get(name) for name in names)


def _in_order(keys: list[dict[str, Any]], items: list[dict[str, Any]]) -> list[Any]:
    """One entry per key, null where there is no item."""
    return [
        next((plain_item(item) for item in items if key.items() <= item.items()), None)
        for key in keys
    ]


def _transacted(given: Mapping[str, Any]) -> dict[str, Any]:
    operation = str(given.get("operation"))
    condition = Expression.of(given.get("condition"))
    if operation == "PutItem":
        call = {"Item": {**(given.get("attributeValues") or {}), **given["key"]}}
    else:
        call = {"Key": given["key"]}
    update = Expression.of(given.get("update")) if operation == "UpdateItem" else Expression()
    name = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}.get(
        operation, operation
    )
    return {
        name: {
            "TableName": given["table"],
            **call,
            **parameters(UpdateExpression=update, ConditionExpression=condition),
        }
    }
