"""Custom::RedisKnowledgeBase, against a server on loopback that keeps knowledge bases as Bedrock
does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from vector_store import redis_knowledge_base
from vector_store.custom_resource import Deadline, RefusedError
from vector_store.handler import handler

TOKEN = "6a4b3f0e-2d1c-4b5a-9e8f-7a6b5c4d3e2f"
BASES = "arn:aws:bedrock:eu-west-1:111122223333:knowledge-base"
TAGS = {"groundwork:stack": "Groundwork-dev-Knowledge"}
REQUEST = {
    "name": "kb-1",
    "description": "documents",
    "roleArn": "arn:aws:iam::111122223333:role/knowledge",
    "knowledgeBaseConfiguration": {
        "type": "VECTOR",
        "vectorKnowledgeBaseConfiguration": {
            "embeddingModelArn": "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan"
        },
    },
    "tags": TAGS,
}


class Bedrock:
    """Knowledge bases by identifier; a new one has the status `becomes`."""

    def __init__(self) -> None:
        self.becomes = "ACTIVE"
        self.deletes = True
        self.held: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, str] = {}
        self.told: list[dict[str, Any]] = []
        bedrock = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = unquote(self.path).strip("/")
                status, said = bedrock.answer(self.command, path, json.loads(content or b"{}"))
                answer = json.dumps(said).encode()
                self.send_response(status)
                if status >= 400:
                    self.send_header("x-amzn-errortype", said["__type"])
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST = do_DELETE = _any  # noqa: N815 - names of http.server

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, verb: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kind, _, rest = path.partition("/")
        if kind.startswith("answer"):  # CloudFormation's presigned URL
            return 200, {}
        if kind == "tags":
            self.tags.setdefault(rest.rpartition("/")[2], {}).update(body["tags"])
            return 200, {}
        if not rest:
            return self._created(body)
        if rest not in self.held:
            return 404, {"__type": "ResourceNotFoundException", "message": f"no {rest}"}
        if verb == "DELETE" and not self.deletes:
            return 403, {"__type": "AccessDeniedException", "message": "not yours"}
        if verb == "DELETE":
            gone = self.held.pop(rest)
            return 202, {"knowledgeBaseId": gone["knowledgeBaseId"], "status": "DELETING"}
        self.held[rest].update(body)
        return 200, {"knowledgeBase": self.held[rest]}

    def _created(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.told.append(body)
        known = self.tokens.get(body["clientToken"])
        if known is None and any(each["name"] == body["name"] for each in self.held.values()):
            return 409, {"__type": "ConflictException", "message": f"{body['name']} exists"}
        identifier = known or f"KB{len(self.told):08}"
        self.tokens[body["clientToken"]] = identifier
        self.tags[identifier] = dict(body["tags"])
        self.held[identifier] = {
            "knowledgeBaseId": identifier,
            "knowledgeBaseArn": f"{BASES}/{identifier}",
            "name": body["name"],
            "status": self.becomes,
            "failureReasons": ["the index is of another dimension"] * (self.becomes == "FAILED"),
        }
        return 202, {"knowledgeBase": self.held[identifier]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bedrock]:
    running = Bedrock()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENT", running.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield running
    running.close()


def properties(token: str = TOKEN, **changed: Any) -> dict[str, str]:
    return {"Request": json.dumps({**REQUEST, **changed}), "RequestId": token}


def deadline() -> Deadline:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Deadline(600, clock=lambda: now[0], sleep=sleep)


def test_a_request_that_is_delivered_twice_makes_one(bedrock: Bedrock) -> None:
    """Lambda's queue may hand an event over more than once, with the same RequestId."""
    first, attributes = redis_knowledge_base.create(properties(), deadline())
    assert redis_knowledge_base.create(properties(), deadline())[0] == first
    assert list(bedrock.held) == [first]
    assert [each["clientToken"] for each in bedrock.told] == [TOKEN, TOKEN]
    assert attributes["KnowledgeBaseArn"].endswith(first)
    assert bedrock.tags[first] == TAGS


def test_one_that_cannot_be_used_is_gone_when_that_is_told(bedrock: Bedrock) -> None:
    bedrock.becomes = "FAILED"
    with pytest.raises(RefusedError, match="the index is of another dimension"):
        redis_knowledge_base.create(properties(), deadline())
    assert bedrock.held == {}
    bedrock.becomes = "ACTIVE"
    made, _ = redis_knowledge_base.create(properties("another-" + TOKEN), deadline())
    assert list(bedrock.held) == [made], "its name is not taken"


def test_one_that_is_never_ready_is_gone_too(bedrock: Bedrock) -> None:
    bedrock.becomes = "CREATING"
    with pytest.raises(RefusedError, match="CREATING"):
        redis_knowledge_base.create(properties(), deadline())
    assert bedrock.held == {}


def test_what_is_left_over_is_named(bedrock: Bedrock) -> None:
    bedrock.becomes, bedrock.deletes = "FAILED", False
    with pytest.raises(RefusedError, match=r"another dimension.*delete KB\d+ by hand.*not yours"):
        redis_knowledge_base.create(properties(), deadline())


def test_another_name_is_another_one_and_the_old_one_may_be_deleted(bedrock: Bedrock) -> None:
    old, _ = redis_knowledge_base.create(properties(tags={}), deadline())
    new, _ = redis_knowledge_base.update(
        old, properties("another-" + TOKEN, name="kb-2"), deadline()
    )
    assert sorted(bedrock.held) == sorted([old, new])
    assert bedrock.tags[old] == TAGS, "without its tag nobody here may delete it"
    redis_knowledge_base.delete(old, properties(), deadline())
    assert list(bedrock.held) == [new]


def test_the_same_name_is_changed_in_place(bedrock: Bedrock) -> None:
    made, _ = redis_knowledge_base.create(properties(), deadline())
    kept, _ = redis_knowledge_base.update(made, properties(description="others"), deadline())
    assert kept == made
    assert bedrock.held[made]["description"] == "others"


class Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def test_the_request_of_cloudformation_is_what_makes_it_once(bedrock: Bedrock) -> None:
    event = {
        "StackId": "stack",
        "RequestId": TOKEN,
        "LogicalResourceId": "OnRedis",
        "RequestType": "Create",
        "ResourceType": "Custom::RedisKnowledgeBase",
        "ResourceProperties": {"Request": json.dumps(REQUEST)},
        "ResponseURL": f"{bedrock.url}/answer?signed=yes",
    }
    said = handler(event, Context())
    assert said["Status"] == "SUCCESS", said
    assert [each["clientToken"] for each in bedrock.told] == [TOKEN]
