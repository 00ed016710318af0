"""DynamoDB for tests of the ledger: the local AWS's implementation behind a socket, with faults."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb

TABLE = "ledger"


class DynamoDbServer:
    """One table with the key `id`. Start with `with DynamoDbServer() as table`.

    `faults` gets the operation and how often it was called; it may answer with (status, error code)
    instead of the service, or with "lost" to act and then cut the connection.
    """

    def __init__(self) -> None:
        self.faults: Callable[[str, int], tuple[int, str] | str | None] | None = None
        self.calls: list[str] = []
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer._answer({n.lower(): v for n, v in self.headers.items()}, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, content = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> DynamoDbServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.reset()
        return self

    def reset(self) -> None:
        """An empty table and no faults."""
        dynamodb.reset()
        self.faults = None
        self.calls.clear()
        self._run(
            "CreateTable",
            {
                "TableName": TABLE,
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        dynamodb.reset()

    def item(self, key: str) -> dict[str, str] | None:
        """An item of the table, without the type descriptors."""
        found = self._run("GetItem", {"TableName": TABLE, "Key": {"id": {"S": key}}}).get("Item")
        return {n: next(iter(v.values())) for n, v in found.items()} if found else None

    def set(self, key: str, name: str, value: dict[str, str]) -> None:
        """Change an attribute behind the ledger's back."""
        self._run(
            "UpdateItem",
            {
                "TableName": TABLE,
                "Key": {"id": {"S": key}},
                "UpdateExpression": "SET #name = :value",
                "ExpressionAttributeNames": {"#name": name},
                "ExpressionAttributeValues": {":value": value},
            },
        )

    def create(self, table: str, *, partition: str, sort: str) -> None:
        """Another table, with a sort key."""
        keys = {partition: "HASH", sort: "RANGE"}
        self._run(
            "CreateTable",
            {
                "TableName": table,
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": "S"} for name in keys
                ],
                "KeySchema": [
                    {"AttributeName": name, "KeyType": kind} for name, kind in keys.items()
                ],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )

    def items(self, table: str) -> list[dict[str, str]]:
        """Every item of a table, without the type descriptors."""
        found = self._run("Scan", {"TableName": table})["Items"]
        return [{n: next(iter(v.values())) for n, v in each.items()} for each in found]

    def _run(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        headers = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
        status, content = self._serve(headers, json.dumps(request).encode())
        assert status == 200, content
        answer: dict[str, Any] = json.loads(content)
        return answer

    def _answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes] | None:
        operation = headers["x-amz-target"].split(".")[-1]
        with self._lock:
            self.calls.append(operation)
            number = self.calls.count(operation)
        fault = self.faults(operation, number) if self.faults else None
        if isinstance(fault, tuple):
            return fault[0], json.dumps({"__type": f"x#{fault[1]}", "message": "injected"}).encode()
        answer = self._serve(headers, body)
        return None if fault == "lost" else answer

    def _serve(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        with self._lock:
            status, _, content = asyncio.run(_handled(headers, body))
        return status, content if isinstance(content, bytes) else content.encode()


async def _handled(headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes | str]:
    # Tables belong to an account and a Region, which a thread does not take over from another.
    responses.set_request_account_id("000000000000")
    responses.set_request_region("eu-west-1")
    answer: tuple[int, Any, bytes | str] = await dynamodb.handle_request(
        "POST", "/", headers, body, {}
    )
    return answer
