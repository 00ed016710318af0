"""Writes to a versioned data source: the version check, three ways out of a conflict, the delta.

https://docs.aws.amazon.com/appsync/latest/devguide/conflict-detection-and-resolution.html

Each attempt reads the item, decides, and writes on the condition that the item is still the one it
read. Whoever loses that race starts again, which is where MaxConflicts comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.appsync import automerge
from local.appsync.attribute_values import plain_item, typed, typed_like
from local.appsync.clock import Clock, utc
from local.appsync.errors import FieldError
from local.appsync.expressions import Expression, parameters, with_assignments
from local.appsync.tables import CONDITION_FAILED, Tables
from local.appsync.versioned_source import METADATA, ConflictRules, FieldCall, TableSource

ATTEMPTS = 10
REJECTED = "Conflict resolver rejects mutation."
Item = dict[str, Any]
LambdaInvoker = Callable[[str, Mapping[str, Any]], Any]


class _RacedError(Exception):
    """Somebody else wrote between our read and our write."""


@dataclass(frozen=True, kw_only=True)
class _Write:
    """One resolver request, with the item as it was read."""

    request: Mapping[str, Any]
    field: FieldCall
    rules: ConflictRules
    existing: Item | None

    @property
    def operation(self) -> str:
        return str(self.request["operation"])

    @property
    def key(self) -> Item:
        return dict(self.request["key"])

    @property
    def condition(self) -> Expression:
        return Expression.of(self.request.get("condition"))

    @property
    def next_version(self) -> int:
        return _version(self.existing) + 1

    @property
    def stale(self) -> bool:
        """Not made against the latest version. A PutItem without a version creates."""
        if self.rules.detection != "VERSION" or self.existing is None:
            return False
        known = self.request.get("_version")
        if known is None:
            return self.operation != "PutItem"
        return int(known) != _version(self.existing)

    def guard(self) -> Expression:
        """Still the item that was read."""
        if self.existing is None:
            names = {"#appsync_k": next(iter(self.key))}
            return Expression(text="attribute_not_exists(#appsync_k)", names=names)
        names = {"#appsync_v": "_version"}
        if "_version" not in self.existing:
            return Expression(text="attribute_not_exists(#appsync_v)", names=names)
        return Expression(
            text="#appsync_v = :appsync_v",
            names=names,
            values={":appsync_v": self.existing["_version"]},
        )

    def conditions(self) -> dict[str, Any]:
        return parameters(ConditionExpression=self.condition.both(self.guard()))


class VersionedWrites:
    """PutItem, UpdateItem and DeleteItem on one versioned data source."""

    def __init__(
        self, *, source: TableSource, tables: Tables, clock: Clock, invoke: LambdaInvoker
    ) -> None:
        self._source = source
        self._tables = tables
        self._clock = clock
        self._invoke = invoke

    def write(
        self, request: Mapping[str, Any], rules: ConflictRules, field: FieldCall
    ) -> dict[str, Any] | None:
        """The item as it is afterwards. Raises FieldError, with the server's item as its data."""
        _refuse_metadata(request)
        existing = None
        for _ in range(ATTEMPTS):
            existing = self._read(request["key"])
            write = _Write(request=request, field=field, rules=rules, existing=existing)
            try:
                after = self._resolved(write) if write.stale else self._applied(write)
            except _RacedError:
                continue
            if after is None:
                return None
            self._record(after, request)
            return plain_item(after)
        raise FieldError(
            "Max retry attempts were reached for conflict resolution.",
            "MaxConflicts",
            data=plain_item(existing or {}),
        )

    # Without a conflict

    def _applied(self, write: _Write) -> Item | None:
        if write.operation == "PutItem":
            item = {**write.request.get("attributeValues", {}), **write.key}
            return self._put(write, {**item, **self._metadata(write)})
        if write.operation == "UpdateItem":
            return self._update(write)
        return self._delete(write)

    def _update(self, write: _Write) -> Item:
        update = with_assignments(
            Expression.of(write.request.get("update")), self._metadata(write), ("_deleted", "_ttl")
        )
        expressions = parameters(
            UpdateExpression=update, ConditionExpression=write.condition.both(write.guard())
        )
        answer = self._try(
            write, "UpdateItem", Key=write.key, ReturnValues="ALL_NEW", **expressions
        )
        return dict(answer["Attributes"])

    def _delete(self, write: _Write) -> Item | None:
        """A tombstone for the base table's time to live, or nothing at all when that is 0."""
        if write.existing is None:
            if write.condition.text:
                self._try(write, "DeleteItem", Key=write.key, **write.conditions())
            return None
        tombstone = {**write.existing, **self._metadata(write), "_deleted": {"BOOL": True}}
        if self._source.base_minutes == 0:
            self._try(write, "DeleteItem", Key=write.key, **write.conditions())
            return tombstone
        expires = self._clock.seconds() + self._source.base_minutes * 60
        return self._put(write, {**tombstone, "_ttl": {"N": str(expires)}})

    # With a conflict

    def _resolved(self, write: _Write) -> Item | None:
        if write.rules.handler == "AUTOMERGE" and write.operation != "DeleteItem":
            return self._merge(write)
        if write.rules.handler == "LAMBDA":
            return self._ask_function(write)
        raise _rejected(write)

    def _merge(self, write: _Write) -> Item:
        existing = write.existing or {}
        if write.operation == "PutItem":
            incoming = dict(write.request.get("attributeValues", {}))
        else:
            after, paths = self._tables.apply_update(existing, write.request["update"])
            incoming = automerge.written(after, paths)
        return self._put(
            write, {**automerge.merged(existing, incoming), **write.key, **self._metadata(write)}
        )

    def _ask_function(self, write: _Write) -> Item | None:
        """The handler's payload and answers are documented on the page above."""
        existing = write.existing or {}
        answer = self._answer(write, existing)
        action = answer.get("action") if isinstance(answer, Mapping) else None
        if action == "REJECT":
            raise _rejected(write)
        if action == "REMOVE" and write.operation == "DeleteItem":
            return self._delete(write)
        if action != "RESOLVE" or write.operation == "DeleteItem":
            raise _malformed(write, f"it answered {action!r} to {write.operation}")
        item = answer.get("item")
        if not isinstance(item, Mapping):
            raise _malformed(write, "RESOLVE needs an item")
        resolved = {
            name: typed_like(value, existing.get(name))
            for name, value in item.items()
            if name not in METADATA and name not in write.key
        }
        return self._put(write, {**resolved, **write.key, **self._metadata(write)})

    def _answer(self, write: _Write, existing: Item) -> Any:
        preview: Item | None = None
        if write.operation == "PutItem":
            preview = {**write.request.get("attributeValues", {}), **write.key}
        elif write.operation == "UpdateItem":
            preview, _ = self._tables.apply_update(existing, write.request["update"])
        event = {
            "newItem": plain_item(preview) if preview is not None else None,
            "existingItem": plain_item(existing),
            "arguments": write.field.arguments,
            "resolver": {
                "tableName": self._source.table,
                "awsRegion": write.field.region,
                "parentType": write.field.parent_type,
                "field": write.field.field,
            },
            "identity": write.field.identity,
        }
        try:
            return self._invoke(write.rules.function, event)
        except FieldError as error:
            raise _malformed(write, error.message) from None

    # Storage

    def _read(self, key: Mapping[str, Any]) -> Item | None:
        answer = self._tables.call(
            "GetItem", {"TableName": self._source.table, "Key": dict(key), "ConsistentRead": True}
        )
        return answer.get("Item")

    def _metadata(self, write: _Write) -> Item:
        return {
            "_version": {"N": str(write.next_version)},
            "_lastChangedAt": {"N": str(self._clock.milliseconds())},
        }

    def _put(self, write: _Write, item: Item) -> Item:
        self._try(write, "PutItem", Item=item, **write.conditions())
        return item

    def _try(self, write: _Write, operation: str, **request: Any) -> dict[str, Any]:
        try:
            return self._tables.call(operation, {"TableName": self._source.table, **request})
        except FieldError as error:
            if not str(error.error_type).endswith(CONDITION_FAILED):
                raise
            now = self._read(write.key)
            if _identity(now) != _identity(write.existing):
                raise _RacedError from None
            error.data = plain_item(now) if now else None
            raise

    def _record(self, item: Item, request: Mapping[str, Any]) -> None:
        row = delta_row(
            item,
            source=self._source,
            keys=self._tables.key_names(self._source.table),
            custom=request.get("customPartitionKey"),
            indexed=bool(request.get("populateIndexFields")),
        )
        try:
            self._tables.call("PutItem", {"TableName": self._source.delta_table, "Item": row})
        except FieldError as error:
            raise FieldError(
                f"Failed to write delta sync record: {error.message}", "DeltaSyncWriteError"
            ) from None


def delta_row(
    item: Item, *, source: TableSource, keys: list[str], custom: str | None, indexed: bool
) -> Item:
    """The change as the delta table keeps it: a copy, under the day and the time of the change."""
    moment = utc(int(item["_lastChangedAt"]["N"]))
    day, time = moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S.%f")[:-3]
    parts = [str(next(iter(item[name].values()))) for name in keys]
    version = item["_version"]["N"]
    expires = int(moment.timestamp()) + source.delta_minutes * 60
    partition, identity = f"{source.table}:{day}", "#".join(parts)
    row = {**item, "_ttl": {"N": str(expires)}}
    if custom:
        if indexed:
            row |= {
                "gsi_ds_pk": typed(partition),
                "gsi_ds_sk": typed(f"{time}:{identity}:{version}"),
            }
        partition = f"{partition}:{next(iter(item[custom].values()))}"
        identity = parts[-1]
    return {**row, "ds_pk": typed(partition), "ds_sk": typed(f"{time}:{identity}:{version}")}


def _version(item: Item | None) -> int:
    return int(item["_version"]["N"]) if item and "_version" in item else 0


def _identity(item: Item | None) -> tuple[bool, int]:
    return item is not None, _version(item)


def _rejected(write: _Write) -> FieldError:
    return FieldError(REJECTED, "ConflictUnhandled", data=plain_item(write.existing or {}))


def _malformed(write: _Write, why: str) -> FieldError:
    return FieldError(
        f"The conflict handler did not resolve the conflict: {why}",
        "ConflictError",
        data=plain_item(write.existing or {}),
    )


def _refuse_metadata(request: Mapping[str, Any]) -> None:
    touched = set(request.get("attributeValues") or {})
    if request["operation"] == "UpdateItem":
        names = (request.get("update") or {}).get("expressionNames") or {}
        touched |= set(names.values())
        touched |= {name for name in METADATA if name in str(request["update"].get("expression"))}
    found = [name for name in METADATA if name in touched]
    if found:
        raise FieldError(
            f"{', '.join(found)} is kept by AppSync and cannot be written; leave it out of the "
            "values and pass _version beside them",
            "BadRequest",
        )
