"""The engine's own DynamoDB, called from the threads that run resolvers.

MiniStack answers each DynamoDB call in one go on the engine's event loop, and so are these, which
makes conditions as atomic as they are for every other caller.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import heapq
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.appsync.errors import FieldError

SECONDS = 30.0
POLL_SECONDS = 0.5  # the engine may stop while a resolver waits
CONDITION_FAILED = "ConditionalCheckFailedException"


class Tables:
    """DynamoDB by operation; `loop` is the engine's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One API call. Raises FieldError as AppSync words what DynamoDB refused."""
        status, body = self._on_loop(lambda: _answer(operation, dict(request)))
        answer: dict[str, Any] = json.loads(body)
        if status >= 300:
            kind = str(answer.get("__type", "InternalServerError")).rpartition("#")[2]
            said = answer.get("message") or answer.get("Message") or kind
            raise FieldError(
                f"{said} (Service: DynamoDb, Status Code: {status}, Request ID: local)",
                f"DynamoDB:{kind}",
                info=answer.get("CancellationReasons"),
            )
        return answer

    def apply_update(
        self, item: Mapping[str, Any], update: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[tuple[str | int, ...]]]:
        """The item that an update expression would make, and the paths that it names."""
        from ministack.services import dynamodb

        try:
            after, touched = dynamodb._apply_update_expression(
                dict(item),
                update["expression"],
                update.get("expressionValues") or {},
                update.get("expressionNames") or {},
            )
        except ValueError as error:
            raise FieldError(str(error), "DynamoDB:ValidationException") from None
        return after, sorted(touched, key=str)

    def key_names(self, table: str) -> list[str]:
        """Partition key, then sort key; DescribeTable would measure every item for it."""
        from ministack.services import dynamodb

        record = dynamodb._tables.get(table)
        if record is None:
            raise FieldError(f"Table {table} not found", "DynamoDB:ResourceNotFoundException")
        return [record[each] for each in ("pk_name", "sk_name") if record[each]]

    def _on_loop(self, work: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        done: concurrent.futures.Future[tuple[int, bytes]] = concurrent.futures.Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run, context=contextvars.copy_context())
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return done.result(POLL_SECONDS)
            except TimeoutError:
                if self._loop.is_closed() or time.monotonic() > deadline:
                    raise FieldError("DynamoDB does not answer", "InternalFailure") from None


def _answer(operation: str, request: dict[str, Any]) -> tuple[int, bytes]:
    from ministack.services import dynamodb

    with _what_a_page_can_reach(operation, request):
        status, _, body = getattr(dynamodb, FUNCTIONS[operation])(request)
    return int(status), body.encode() if isinstance(body, str) else bytes(body)


@contextlib.contextmanager
def _what_a_page_can_reach(operation: str, request: Mapping[str, Any]) -> Iterator[None]:
    """Hide the rest of the table from a page of a Scan.

    MiniStack sorts and copies the whole table for each page, so that reading 100,000 items took two
    minutes, most of it for nothing. It goes through partition keys in their order; a page of so
    many items ends within as many keys, and one more says that it goes on.
    """
    from ministack.services import dynamodb

    table = dynamodb._tables.get(request.get("TableName"))
    limit = request.get("Limit")
    if operation != "Scan" or table is None or not limit or {"IndexName", "Segment"} & set(request):
        yield
        return
    everything = table["items"]
    start = (request.get("ExclusiveStartKey") or {}).get(table["pk_name"])
    first = dynamodb._extract_key_val(start) if start else ""
    keys = heapq.nsmallest(
        int(limit) + 2, (key for key in everything if key >= first and everything[key])
    )
    table["items"] = {key: everything[key] for key in keys}
    try:
        yield
    finally:
        table["items"] = everything


FUNCTIONS = {
    "GetItem": "_get_item",
    "PutItem": "_put_item",
    "UpdateItem": "_update_item",
    "DeleteItem": "_delete_item",
    "Query": "_query",
    "Scan": "_scan",
    "BatchGetItem": "_batch_get_item",
    "BatchWriteItem": "_batch_write_item",
    "TransactGetItems": "_transact_get_items",
    "TransactWriteItems": "_transact_write_items",
}
