"""OpenSearch's own REST interface, as far as a deployment and a curious person need it.

Collections and domains have paths on the engine's port where AWS gives them hosts: `/_aoss/ID` and
`/_es/NAME`. Requests of OpenSearch Serverless have to be signed for it; whether a data policy
names the caller is asked where the caller is a role or a user, the account itself may do all
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-genref.html).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.asgi import Asgi, answer, header_map, whole_body
from local.stores import open_search
from local.stores.data_access import AccessDeniedError, check_access
from local.stores.store import StoreError

PREFIXES = {"_aoss": "aoss", "_es": "es"}
CREDENTIAL = re.compile(r"Credential=([^/,]+)/\d{8}/[^/]+/([^/]+)/aws4_request")
PERMISSIONS = {
    "GET": "aoss:DescribeIndex",
    "HEAD": "aoss:DescribeIndex",
    "PUT": "aoss:CreateIndex",
    "POST": "aoss:ReadDocument",
    "DELETE": "aoss:DeleteIndex",
}
Answer = tuple[int, Mapping[str, Any]]


def collection_endpoint(identifier: str) -> str:
    """Where a collection answers."""
    return f"{_engine()}/_aoss/{identifier}"


def domain_endpoint(name: str) -> str:
    """Where a domain answers."""
    return f"{_engine()}/_es/{name}"


def _engine() -> str:
    return f"http://{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}"


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A request for one collection or domain."""

    service: str
    owner: str  # of the indices
    name: str
    method: str
    path: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes


class SearchDoor:
    """An ASGI application that answers for collections and domains and passes on all else."""

    def __init__(self, inner: Asgi) -> None:
        self._inner = inner
        self._security: dict[tuple[str, ...], Any] = {}

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one connection's scope."""
        steps = [each for each in scope.get("path", "").split("/") if each]
        if scope["type"] != "http" or len(steps) < 2 or steps[0] not in PREFIXES:
            await self._inner(scope, receive, send)
            return
        headers = header_map(scope)
        body = await whole_body(receive)
        status, content = await asyncio.to_thread(
            self._answer, PREFIXES[steps[0]], steps[1:], scope["method"], headers, body
        )
        encoded = b"" if scope["method"] == "HEAD" else json.dumps(content).encode()
        await answer(send, status, encoded, {"content-type": "application/json"})

    def _answer(
        self,
        service: str,
        steps: list[str],
        method: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        found = _owner(service, steps[0])
        if found is None:
            return 404, {"message": "no such collection or domain"}
        asked = _Asked(
            service=service,
            owner=found[0],
            name=found[1],
            method=method,
            path=tuple(steps[1:]),
            headers=headers,
            body=body,
        )
        try:
            _check_signature(asked)
            return self._served(asked)
        except AccessDeniedError as refusal:
            return _error(403, "security_exception", str(refusal))
        except (StoreError, ValueError) as refusal:
            return _error(400, "illegal_argument_exception", str(refusal))

    def _served(self, asked: _Asked) -> Answer:
        if asked.path[:3] == ("_plugins", "_security", "api") and asked.service == "es":
            return self._fine_grained(asked)
        if len(asked.path) == 2 and asked.path[1] in READ:
            return READ[asked.path[1]](_index(asked), json.loads(asked.body or b"{}"))
        if len(asked.path) != 1 or asked.method not in ("GET", "HEAD", "PUT", "DELETE"):
            return _error(404, "NotFound", "not played locally; see docs/fidelity.md")
        return _index_itself(asked)

    def _fine_grained(self, asked: _Asked) -> Answer:
        """Roles and their mappings, as records."""
        key = (asked.owner, *asked.path[3:])
        known = key in self._security
        if asked.method == "PUT":
            self._security[key] = json.loads(asked.body)
            verb = "updated" if known else "created"
            return 200 if known else 201, {"status": "OK", "message": f"'{key[-1]}' {verb}."}
        if not known:
            return 404, {"status": "NOT_FOUND", "message": f"Resource '{key[-1]}' not found."}
        if asked.method == "DELETE":
            del self._security[key]
            return 200, {"status": "OK", "message": f"'{key[-1]}' deleted."}
        return 200, {key[-1]: self._security[key]}


def _owner(service: str, named: str) -> tuple[str, str] | None:
    """What indices are kept under, and the name that policies use."""
    from ministack.services import opensearch, opensearchserverless

    if service == "aoss":
        collection = opensearchserverless._collections.get(named)
        return None if collection is None else (named, collection["name"])
    domain = opensearch._domains.get(named)
    return None if domain is None else (domain["ARN"], named)


def _check_signature(asked: _Asked) -> None:
    signed = CREDENTIAL.search(asked.headers.get("authorization", ""))
    if signed is None or signed[2] != asked.service:
        raise AccessDeniedError(f"the request has to be signed for {asked.service}")
    if asked.service == "es":
        return
    if "x-amz-content-sha256" not in asked.headers:
        raise AccessDeniedError("the header x-amz-content-sha256 is missing")
    principal = _principal(signed[1], asked.headers.get("x-amz-security-token"))
    if principal is not None:
        index = asked.path[0] if asked.path else "*"
        check_access(principal, PERMISSIONS[asked.method], f"index/{asked.name}/{index}")


def _principal(access_key: str, token: str | None) -> str | None:
    """The role or user that signed, as policies name it; None for the account."""
    from ministack.core import iam_evaluator

    found = iam_evaluator.resolve_credential(access_key, None, token)
    if not isinstance(found, iam_evaluator.ResolvedCredential) or found.principal_type == "Root":
        return None
    arn = str(found.principal_arn)
    session = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.*", arn)
    return f"arn:aws:iam::{session[1]}:role/{session[2]}" if session else arn


def _index_itself(asked: _Asked) -> Answer:
    name = asked.path[0]
    index = open_search.INDICES.get((asked.owner, name))
    if asked.method == "PUT":
        if index is not None:
            return _error(400, "resource_already_exists_exception", f"index [{name}] exists")
        open_search.create_index(asked.owner, name, json.loads(asked.body or b"{}"))
        return 200, {"acknowledged": True, "shards_acknowledged": True, "index": name}
    if index is None:
        return _error(404, "index_not_found_exception", f"no such index [{name}]")
    if asked.method == "DELETE":
        open_search.delete_index(asked.owner, name)
        return 200, {"acknowledged": True}
    return 200, {name: {"mappings": {"properties": dict(index.fields)}}}


def _index(asked: _Asked) -> open_search.OpenSearchIndex:
    index = open_search.INDICES.get((asked.owner, asked.path[0]))
    if index is None:
        raise StoreError(f"no such index [{asked.path[0]}]")
    return index


def _count(index: open_search.OpenSearchIndex, _query: Mapping[str, Any]) -> Answer:
    return 200, {"count": index.chunks.count()}


def _search(index: open_search.OpenSearchIndex, query: Mapping[str, Any]) -> Answer:
    """A `knn` query on the vector field; others are refused."""
    knn = query.get("query", {}).get("knn", {}).get(index.vector_field)
    if knn is None:
        raise StoreError(f"only a knn query on {index.vector_field} is played locally")
    hits = index.chunks.search(vector=knn["vector"], limit=int(knn.get("k", 10)))
    shown = [
        {"_id": hit.chunk.id, "_score": hit.score, "_source": {"text": hit.chunk.text}}
        for hit in hits
    ]
    return 200, {"hits": {"total": {"value": len(shown)}, "hits": shown}}


READ: Mapping[str, Callable[[open_search.OpenSearchIndex, Mapping[str, Any]], Answer]] = {
    "_count": _count,
    "_search": _search,
}


def _error(status: int, kind: str, reason: str) -> Answer:
    return status, {"status": status, "error": {"type": kind, "reason": reason}}
