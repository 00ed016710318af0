"""The realtime endpoint: GraphQL subscriptions over a WebSocket.

https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from graphql import OperationType, get_operation_root_type
from graphql.execution.values import get_argument_values, get_variable_values

from local.appsync.addresses import Address
from local.appsync.callers import Caller
from local.appsync.data_plane import DataPlane, operation_of
from local.appsync.deployed_api import deployed_api
from local.appsync.documents import Document, fields_of
from local.appsync.errors import DocumentError, RequestError
from local.appsync.execution import Execution
from local.appsync.faults import Faults, cut
from local.appsync.signatures import SignedRequest
from local.appsync.subscribers import Subscription
from local.asgi import source_ip

PROTOCOL = "graphql-ws"
CONNECTION_TIMEOUT_MS = 300_000
KEEP_ALIVE_SECONDS = 60.0
SUBSCRIPTIONS = 200
"""Per connection: https://docs.aws.amazon.com/general/latest/gr/appsync.html ."""
logger = logging.getLogger("groundwork.appsync")
Message = Mapping[str, Any]


class Realtime:
    """All open connections."""

    def __init__(self, plane: DataPlane, faults: Faults) -> None:
        self._plane = plane
        self._faults = faults
        self._open: dict[str, _Connection] = {}

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(
        self,
        found: Address,
        scope: Mapping[str, Any],
        headers: Mapping[str, str],
        receive: Any,
        send: Any,
    ) -> None:
        """One WebSocket, from the handshake to its end."""
        await receive()  # websocket.connect
        if self._faults.realtime_refused or PROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.close", "code": 1002})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        connection = _Connection(
            plane=self._plane,
            found=found,
            offered=_offered(scope),
            source_ip=source_ip(scope),
            headers=headers,
            send=send,
        )
        self._open[connection.identity] = connection
        try:
            await connection.run(receive)
        finally:
            del self._open[connection.identity]

    def drop(self, code: int | None) -> int:
        """Close every connection, without a word unless there is a code; returns how many."""
        dropped = list(self._open.values())
        for connection in dropped:
            connection.drop(code)
        return len(dropped)


@dataclass(kw_only=True)
class _Connection:
    """One client's connection; its messages are served in turn, its pushes as they come."""

    plane: DataPlane
    found: Address
    offered: Mapping[str, Any] | None
    source_ip: str
    headers: Mapping[str, str]
    send: Any
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)
    ready: bool = False
    closed: bool = False
    ids: set[str] = field(default_factory=set)
    outgoing: asyncio.Queue[Message | int] = field(default_factory=asyncio.Queue)

    async def run(self, receive: Any) -> None:
        writer = asyncio.create_task(self._write())
        alive = asyncio.create_task(self._keep_alive())
        try:
            while not self.closed:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    break
                await self._take(message.get("text") or "")
        finally:
            self.closed = True
            self.plane.subscribers.remove(self.identity)
            alive.cancel()
            await asyncio.sleep(0)
            writer.cancel()

    def drop(self, code: int | None) -> None:
        self.plane.subscribers.remove(self.identity)
        if code is None:
            cut(self.send)
        else:
            self.outgoing.put_nowait(code)

    # Outgoing

    def say(self, kind: str, payload: Any = None, subscription: str | None = None) -> None:
        message: dict[str, Any] = {}
        if subscription is not None:
            message["id"] = subscription
        message["type"] = kind
        if payload is not None:
            message["payload"] = payload
        self.outgoing.put_nowait(message)

    async def _write(self) -> None:
        with contextlib.suppress(RuntimeError, OSError):  # the client has gone
            while True:
                message = await self.outgoing.get()
                if isinstance(message, int):
                    self.closed = True
                    await self.send({"type": "websocket.close", "code": message})
                    return
                text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
                await self.send({"type": "websocket.send", "text": text})

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            if self.ready:
                self.say("ka")

    # Incoming

    async def _take(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self._refuse(RequestError(400, "BadRequestException", "Invalid message."))
            return
        kind = message.get("type")
        if kind == "connection_init":
            await self._begin()
        elif kind == "start" and self.ready:
            await self._start(message)
        elif kind == "stop" and self.ready:
            self._stop(str(message.get("id")))
        else:
            said = f"{kind or 'unknown'} not supported through the realtime channel"
            error = {"errorType": "UnsupportedOperation", "message": said}
            self.say("error", {"errors": [error]}, str(message.get("id", "")))

    async def _begin(self) -> None:
        """The authorization came with the handshake; for IAM it signs POST <path>/connect."""
        try:
            if self.offered is None:
                raise RequestError(400, "BadRequestException", "Missing authorization header.")
            await self._caller(self.offered, f"{self.found.graphql_path}/connect", b"{}", None)
        except RequestError as error:
            self._refuse(error)
            return
        self.ready = True
        self.say("connection_ack", {"connectionTimeoutMs": CONNECTION_TIMEOUT_MS})
        self.say("ka")

    def _refuse(self, error: RequestError) -> None:
        entry = {
            "errorType": error.error_type,
            "message": error.message,
            "errorCode": error.status,
        }
        self.say("connection_error", {"errors": [entry]})
        self.outgoing.put_nowait(1000)

    async def _caller(
        self,
        authorization: Mapping[str, Any],
        path: str,
        body: bytes,
        operation: Mapping[str, Any] | None,
    ) -> Caller:
        request = SignedRequest(
            method="POST",
            path=path,
            query={},
            headers={name.lower(): str(value) for name, value in authorization.items()},
            body=body,
        )
        api_id, ip = self.found.api_id, self.source_ip
        return await self.plane.in_thread(
            lambda: self.plane.caller(deployed_api(api_id), request, ip, operation)
        )

    async def _start(self, message: Message) -> None:
        identity = str(message.get("id", ""))
        try:
            self._check_id(identity)
            payload = message.get("payload") or {}
            data = str(payload.get("data") or "")
            operation = _operation(data)
            authorization = (payload.get("extensions") or {}).get("authorization") or {}
            caller = await self._caller(
                authorization, self.found.graphql_path, data.encode(), operation
            )
            headers = {name.lower(): str(value) for name, value in authorization.items()}
            await self.plane.in_thread(
                lambda: self._subscribe(identity, caller, operation, headers)
            )
        except RequestError as error:
            self.say("error", error.body(), identity)
        except DocumentError as error:
            self.say("error", {"errors": error.errors}, identity)

    def _check_id(self, identity: str) -> None:
        if not identity or identity in self.ids:
            raise RequestError(400, "DuplicatedOperationError", f"Duplicated id '{identity}'.")
        if len(self.ids) >= SUBSCRIPTIONS:
            raise RequestError(
                400, "MaxSubscriptionsReachedError", "Max number of subscriptions reached."
            )

    def _subscribe(
        self,
        identity: str,
        caller: Caller,
        operation: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> None:
        """Run the subscription field's resolver once: it may refuse, and it may set filters."""
        api = deployed_api(self.found.api_id)
        execution = self.plane.execution(api, caller, operation, {**self.headers, **headers})
        name, arguments = _asked(execution)
        answer = execution.run()
        # The resolver answers null, whatever the schema says of the field.
        failed = [each for each in answer.get("errors", ()) if each.get("errorType")]
        if failed:
            raise DocumentError(failed)
        resolved = execution.resolved[-1] if execution.resolved else None
        subscription = Subscription(
            connection=self.identity,
            subscription_id=identity,
            field=name,
            arguments=arguments,
            filter=resolved.filter if resolved else None,
            invalidation=resolved.invalidation_filter if resolved else None,
            execution=execution,
            push=lambda push: self._push(identity, caller, push),
            end=lambda: self._end(identity),
        )
        self.plane.on_loop(lambda: self._started(subscription))

    def _started(self, subscription: Subscription) -> None:
        if not self.closed:
            self.ids.add(subscription.subscription_id)
            self.plane.subscribers.add(subscription)
            self.say("start_ack", subscription=subscription.subscription_id)

    def _push(self, identity: str, caller: Caller, answer: Mapping[str, Any]) -> None:
        """A push, unless the token that the subscription was started with has expired."""
        if caller.expires is not None and caller.expires <= self.plane.clock.credentials_seconds():
            error = {"errorType": "UnauthorizedException", "message": "Token expired"}
            self.plane.subscribers.remove(self.identity, identity)
            self.ids.discard(identity)
            self.say("error", {"errors": [error]}, identity)
            return
        self.say("data", answer, identity)

    def _stop(self, identity: str) -> None:
        if self.plane.subscribers.remove(self.identity, identity):
            self.ids.discard(identity)
            self.say("complete", subscription=identity)
            return
        error = {
            "errorType": "UnknownOperationError",
            "message": f"Unknown operation id {identity}",
        }
        self.say("error", {"errors": [error]}, identity)

    def _end(self, identity: str) -> None:
        """Invalidated by `extensions.invalidateSubscriptions`."""
        self.plane.subscribers.remove(self.identity, identity)
        self.ids.discard(identity)
        self.say("complete", subscription=identity)


def _offered(scope: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The authorization header of the handshake: a subprotocol, or the query of older clients."""
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith("header-"):
            return _decoded(protocol.removeprefix("header-"))
    query = parse_qs(scope.get("query_string", b"").decode())
    return _decoded(query["header"][0]) if query.get("header") else None


def _decoded(text: str) -> Mapping[str, Any] | None:
    try:
        raw = text.replace("-", "+").replace("_", "/").replace(" ", "+")
        decoded = json.loads(base64.b64decode(raw + "=" * (-len(raw) % 4)))
    except (ValueError, binascii.Error):
        return None
    return decoded if isinstance(decoded, dict) else None


def _operation(data: str) -> dict[str, Any]:
    read = operation_of(data.encode(errors="replace"))
    if read is None:
        raise RequestError(400, "BadRequestException", "payload.data must be JSON.")
    return read


def _asked(execution: Execution) -> tuple[str, Mapping[str, Any]]:
    """The subscription's field and its arguments. Raises RequestError, DocumentError."""
    document: Document = execution.document
    if document.kind is not OperationType.SUBSCRIPTION:
        raise RequestError(400, "UnsupportedOperation", "Only subscriptions can be started here.")
    schema = execution.api.schema.graphql
    variables = get_variable_values(
        schema, document.operation.variable_definitions or [], dict(document.variables)
    )
    if isinstance(variables, list):
        raise DocumentError([{"message": each.message} for each in variables])
    (node,) = list(fields_of(document.operation.selection_set, document))
    definition = get_operation_root_type(schema, document.operation).fields[node.name.value]
    return node.name.value, get_argument_values(definition, node, variables)
