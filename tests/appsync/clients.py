"""Clients as plain as can be: HTTP by the standard library, WebSocket by wsproto."""

from __future__ import annotations

import base64
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

FIELDS = "id name jersey interests points stats owner at _version _deleted _lastChangedAt"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        """Fails with the errors if there are any."""
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def error(self) -> dict[str, Any]:
        """The only error."""
        (only,) = self.body["errors"]
        return dict(only)


@dataclass(frozen=True)
class Api:
    """Calls one API with one caller's headers."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> Api:
        """Another caller."""
        return replace(self, headers=headers)

    def send(self, body: bytes, *, method: str = "POST") -> Answer:
        """Any bytes."""
        request = urllib.request.Request(
            self.url,
            data=body,
            headers={"content-type": "application/json", **self.headers},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                return Answer(
                    response.status, json.loads(response.read() or b"{}"), response.headers
                )
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.loads(error.read() or b"{}"), error.headers)

    def ask(self, query: str, **variables: Any) -> Answer:
        """A document with variables."""
        return self.send(json.dumps({"query": query, "variables": variables}).encode())

    def create(self, model: str, **values: Any) -> Answer:
        """The model's create mutation."""
        return self._mutate("create", model, values)

    def update(self, model: str, **values: Any) -> Answer:
        """The model's update mutation."""
        return self._mutate("update", model, values)

    def delete(self, model: str, identity: str, version: int | None = None) -> Answer:
        """The model's delete mutation."""
        return self.ask(
            f"mutation D($id: ID!, $v: Int) {{ "
            f"delete{model}(id: $id, _version: $v) {{ {FIELDS} }} }}",
            id=identity,
            v=version,
        )

    def get(self, model: str, identity: str) -> Any:
        """The model's get query."""
        answer = self.ask(
            f"query G($id: ID!) {{ get{model}(id: $id) {{ {FIELDS} }} }}", id=identity
        )
        return answer.data[f"get{model}"]

    def sync(self, model: str, **arguments: Any) -> Any:
        """One page of the model's sync query."""
        answer = self.ask(
            "query S($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $minimum: Int) { "
            f"sync{model}s(limit: $limit, nextToken: $nextToken, lastSync: $lastSync, "
            f"minimum: $minimum) {{ items {{ {FIELDS} }} nextToken startedAt }} }}",
            **arguments,
        )
        return answer.data[f"sync{model}s"]

    def _mutate(self, verb: str, model: str, values: Mapping[str, Any]) -> Answer:
        return self.ask(
            f"mutation M($input: {model}Input!) {{ {verb}{model}(input: $input) {{ {FIELDS} }} }}",
            input=values,
        )


class Socket:
    """A connection to the realtime endpoint."""

    def __init__(
        self, url: str, authorization: Mapping[str, str] | None, *, in_query: bool = False
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        header = base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")
        protocols = ["graphql-ws"]
        target = parts.path
        if authorization is not None and in_query:
            target += f"?header={header}&payload=e30="
        elif authorization is not None:
            protocols.append(f"header-{header}")
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=15)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._events: list[Any] = []
        self._write(Request(host=parts.netloc, target=target, subprotocols=protocols))
        accepted = self._event()
        assert isinstance(accepted, AcceptConnection), accepted
        self.subprotocol = accepted.subprotocol

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, **message: Any) -> None:
        """One JSON message."""
        self._write(TextMessage(data=json.dumps(message)))

    def hear(self, *, skip: tuple[str, ...] = ("ka",)) -> dict[str, Any]:
        """The next message of interest; {"type": "closed"} at the end."""
        while True:
            try:
                event = self._event()
            except (ConnectionError, EOFError):
                return {"type": "closed", "code": None}
            if isinstance(event, CloseConnection):
                return {"type": "closed", "code": event.code}
            if isinstance(event, TextMessage):
                message: dict[str, Any] = json.loads(event.data)
                if message["type"] not in skip:
                    return message

    def silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        self._socket.settimeout(seconds)
        try:
            self.hear()
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(15)
        return False

    def begin(self) -> None:
        """connection_init and its answer."""
        self.say(type="connection_init")
        acknowledged = self.hear()
        assert acknowledged == {
            "type": "connection_ack",
            "payload": {"connectionTimeoutMs": 300000},
        }

    def start(
        self, identity: str, query: str, authorization: Mapping[str, str], **variables: Any
    ) -> dict[str, Any]:
        """Subscribe; returns what the server says."""
        data = json.dumps({"query": query, "variables": variables})
        self.say(
            id=identity,
            type="start",
            payload={"data": data, "extensions": {"authorization": dict(authorization)}},
        )
        return self.hear()

    def _write(self, event: Any) -> None:
        self._socket.sendall(self._protocol.send(event))

    def _event(self) -> Any:
        while not self._events:
            data = self._socket.recv(65536)
            if not data:
                raise EOFError
            self._protocol.receive_data(data)
            self._events = list(self._protocol.events())
        return self._events.pop(0)
