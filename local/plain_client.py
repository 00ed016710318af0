"""The client that docs/offline.md describes: any GraphQL client, a store, and an outbox.

In memory, without subscriptions: what they bring is treated like items of a page. For the demo and
for tests; a real client keeps store and outbox on disk.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
PAGE = 2  # small, so that pages are turned
REQUEST_SECONDS = 30


class RefusedError(Exception):
    """The API refused a request for a reason that this client cannot deal with; says why."""


@dataclass(frozen=True)
class GraphqlApi:
    """An API that an API key opens."""

    url: str
    key: str

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer: `data`, and `errors` if there are any."""
        request = urllib.request.Request(
            self.url,
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"content-type": "application/json", "x-api-key": self.key},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=REQUEST_SECONDS) as response:
            answer: dict[str, Any] = json.loads(response.read())
            return answer


def _give_way(_mine: Row, _theirs: Row) -> Row | None:
    """Take the server's item: the user is told of the conflict."""
    return None


@dataclass
class Model:
    """What a client knows of one model."""

    name: str
    fields: str
    rows: dict[str, Row] = field(default_factory=dict)
    outbox: dict[str, tuple[str, Row]] = field(default_factory=dict)  # id -> verb, changes
    last_sync: int = 0

    @property
    def selection(self) -> str:
        """The fields to ask for."""
        return f"id {self.fields} _version _deleted _lastChangedAt"


class PlainClient:
    """One device. `merge` decides about a refused change: what to send again, or None."""

    def __init__(
        self, api: GraphqlApi, *models: Model, merge: Callable[[Row, Row], Row | None] | None = None
    ) -> None:
        self.api = api
        self.models = {model.name: model for model in models}
        self._merge = merge or _give_way
        self.conflicts: list[str] = []

    # Without a network

    def shown(self, name: str) -> dict[str, Row]:
        """What the user sees: stored rows with what waits laid over them."""
        model = self.models[name]
        seen = {id_: dict(row) for id_, row in model.rows.items()}
        for id_, (verb, changes) in model.outbox.items():
            if verb == "delete":
                seen.pop(id_, None)
            else:
                seen[id_] = {**seen.get(id_, {}), **changes}
        return seen

    def change(self, name: str, verb: str, id_: str, **changes: Any) -> None:
        """Write into the outbox; later edits are merged into the entry that waits."""
        outbox = self.models[name].outbox
        waiting_verb, waiting = outbox.get(id_, (verb, {}))
        kept = "create" if waiting_verb == "create" and verb == "update" else verb
        outbox[id_] = (kept, {} if verb == "delete" else {**waiting, **changes})

    # With one

    def synchronise(self) -> None:
        """Send what waits, then read what changed."""
        for model in self.models.values():
            for id_ in list(model.outbox):
                self._send(model, id_)
            self._read(model)

    def _read(self, model: Model) -> None:
        token, started = None, None
        while True:
            answer = self.api.ask(
                f"query S($lastSync: AWSTimestamp, $nextToken: String, $limit: Int) "
                f"{{ sync{model.name}s(lastSync: $lastSync, nextToken: $nextToken, limit: $limit) "
                f"{{ items {{ {model.selection} }} nextToken startedAt }} }}",
                lastSync=model.last_sync,
                nextToken=token,
                limit=PAGE,
            )
            if "errors" in answer:
                raise RefusedError(answer["errors"])
            page = answer["data"][f"sync{model.name}s"]
            started = started or page["startedAt"]
            for row in page["items"]:
                self._store(model, row)
            token = page["nextToken"]
            if token is None:
                break
        model.last_sync = started

    def _store(self, model: Model, row: Row) -> None:
        known = model.rows.get(row["id"])
        if row["id"] in model.outbox or (known and known["_version"] > row["_version"]):
            return
        if row["_deleted"]:
            model.rows.pop(row["id"], None)
        else:
            model.rows[row["id"]] = row

    def _send(self, model: Model, id_: str) -> None:
        verb, changes = model.outbox[id_]
        known = model.rows.get(id_, {})
        values: Row = {"id": id_, **changes}
        if verb != "create":
            values["_version"] = known.get("_version")
        answer = self.api.ask(
            f"mutation M($input: {verb.title()}{model.name}Input!) "
            f"{{ {verb}{model.name}(input: $input) {{ {model.selection} }} }}",
            input=values,
        )
        if "errors" not in answer:
            del model.outbox[id_]
            self._store(model, answer["data"][f"{verb}{model.name}"])
            return
        error = answer["errors"][0]
        theirs, kind = error["data"], error["errorType"]
        if kind == "ConflictUnhandled":
            self._resolve(model, id_, changes, theirs)
        elif kind == "DynamoDB:ConditionalCheckFailedException" and verb == "create" and theirs:
            del model.outbox[id_]  # it had arrived before
            self._store(model, theirs)
        else:
            raise RefusedError(error)

    def _resolve(self, model: Model, id_: str, changes: Row, theirs: Row) -> None:
        self.conflicts.append(id_)
        del model.outbox[id_]
        self._store(model, theirs)
        merged = self._merge(changes, theirs)
        if merged is not None:
            model.outbox[id_] = ("update", merged)
            self._send(model, id_)
