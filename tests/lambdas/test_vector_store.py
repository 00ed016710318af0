"""Custom resources of vector stores, against servers on loopback that answer as the services do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from vector_store import index_admitted, postgres_schema, search_index
from vector_store.custom_resource import Deadline, RefusedError, answer
from vector_store.handler import RESOURCES, handler

ACTIONS = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Thing"}


class Service:
    """Answers with the next scripted status, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        waiting = list(statuses)
        service = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.seen.append((self.command, self.path, headers, body))
                status = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                content = json.dumps({"error": "no"} if status == 400 else {"status": status})
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content.encode())

            do_GET = do_PUT = do_DELETE = _any  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    running = Service(*request.param)
    yield running
    running.close()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def probe(url: str, expects: str) -> dict[str, str]:
    return {"Endpoint": url, "IndexName": "chunks-1", "Expects": expects}


@pytest.mark.parametrize("service", [(403, 403, 500, 404)], indirect=True)
def test_a_policy_that_takes_a_while_is_waited_for(service: Service) -> None:
    identifier, _ = index_admitted.create(probe(service.url, "access"), Time().deadline(600))
    assert identifier == "chunks-1-access"
    statuses = len(service.seen)
    assert statuses == 3 + index_admitted.IN_A_ROW
    method, path, headers, _ = service.seen[0]
    assert (method, path) == ("GET", "/chunks-1")
    assert "/aoss/aws4_request" in headers["authorization"]
    assert len(headers["x-amz-content-sha256"]) == 64


@pytest.mark.parametrize("service", [(404, 404, 403, 404, 404, 404)], indirect=True)
def test_one_machine_that_knows_is_not_enough(service: Service) -> None:
    index_admitted.create(probe(service.url, "access"), Time().deadline(600))
    assert len(service.seen) == 6


@pytest.mark.parametrize("service", [(404,)], indirect=True)
def test_an_index_that_never_comes_is_told_with_a_remedy(service: Service) -> None:
    with pytest.raises(RefusedError, match=r"still answers 404 .* Deploy again"):
        index_admitted.create(probe(service.url, "index"), Time().deadline(60))


def test_a_collection_that_cannot_be_reached_is_told() -> None:
    with pytest.raises(RefusedError, match="refused"):
        index_admitted.create(probe("http://127.0.0.1:9", "index"), Time().deadline(20))


DOMAIN = {
    "IndexName": "chunks-1",
    "Body": json.dumps({"mappings": {}}),
    "RoleArn": "arn:aws:iam::111122223333:role/knowledge",
}


@pytest.mark.parametrize("service", [(503, 403, 200)], indirect=True)
def test_an_index_and_the_role_for_it_are_made(service: Service) -> None:
    made, _ = search_index.create({**DOMAIN, "Endpoint": service.url}, Time().deadline(600))
    assert made == "chunks-1"
    paths = [path for _, path, _, _ in service.seen]
    assert paths[-3:] == [
        "/_plugins/_security/api/roles/chunks-1",
        "/_plugins/_security/api/rolesmapping/chunks-1",
        "/chunks-1",
    ]
    role = json.loads(service.seen[-3][3])
    assert role["index_permissions"][0]["index_patterns"] == ["chunks-1"]
    mapping = json.loads(service.seen[-2][3])
    assert mapping == {"backend_roles": [DOMAIN["RoleArn"]]}


@pytest.mark.parametrize("service", [(200, 200, 400)], indirect=True)
def test_a_mapping_that_is_refused_ends_the_deployment(service: Service) -> None:
    with pytest.raises(RefusedError, match="OpenSearch refuses the index"):
        search_index.create({**DOMAIN, "Endpoint": service.url}, Time().deadline(60))


@pytest.mark.parametrize("service", [(404,)], indirect=True)
def test_what_is_gone_is_deleted(service: Service) -> None:
    search_index.delete("chunks-1", {**DOMAIN, "Endpoint": service.url}, Time().deadline(60))
    assert {method for method, *_ in service.seen} == {"DELETE"}
    before = len(service.seen)
    kept = {**DOMAIN, "Endpoint": service.url, "Retain": "true"}
    search_index.delete("chunks-1", kept, Time().deadline(60))
    assert len(service.seen) == before


SCHEMA = {
    "Schema": "bedrock_integration",
    "Table": "chunks_1",
    "Dimension": "1024",
    "M": "16",
    "EfConstruction": "128",
    "EfSearch": "128",
}


def test_statements_may_be_run_again_and_quote_what_they_are_given() -> None:
    told = list(postgres_schema.statements(SCHEMA, user="bedrock_user", password="it's"))
    assert "vector(1024)" in " ".join(told)
    assert "PASSWORD 'it''s'" in " ".join(told)
    assert all("IF NOT EXISTS" in each for each in told if each.startswith("CREATE")), (
        "run at every change"
    )
    assert not any("OWNER" in each or "SUPERUSER" in each for each in told)


def test_search_goes_on_where_a_filter_leaves_too_little() -> None:
    told = " ".join(postgres_schema.statements(SCHEMA, user="bedrock_user", password="x"))
    assert "ALTER ROLE bedrock_user SET hnsw.ef_search = 128;" in told
    assert "ALTER ROLE bedrock_user SET hnsw.iterative_scan = relaxed_order;" in told


@pytest.mark.parametrize("name", ["chunks; DROP TABLE x", "Chunks", "", "a" * 64])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="no name for PostgreSQL"):
        list(postgres_schema.statements({**SCHEMA, "Table": name}, user="u", password="p"))


# CloudFormation's side


def test_a_failure_is_told_and_does_not_escape() -> None:
    def fails(_: Deadline) -> Any:
        raise KeyError("Endpoint")

    said = answer({**ACTIONS, "PhysicalResourceId": "old"}, fails, seconds=60)
    assert said["Status"] == "FAILED"
    assert said["Reason"] == "KeyError: 'Endpoint'"
    assert said["PhysicalResourceId"] == "old", "or CloudFormation would delete the old one"


class Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


@pytest.mark.parametrize("service", [(200,)], indirect=True)
def test_the_answer_reaches_the_url_that_cloudformation_gave(service: Service) -> None:
    event = {
        **ACTIONS,
        "RequestType": "Delete",
        "ResourceType": "Custom::IndexAdmitted",
        "PhysicalResourceId": "chunks-1-index",
        "ResourceProperties": probe("http://127.0.0.1:9", "index"),
        "ResponseURL": f"{service.url}/answer?signed=yes",
    }
    handler(event, Context())
    ((method, path, headers, body),) = service.seen
    assert (method, path) == ("PUT", "/answer?signed=yes")
    assert "content-type" not in headers, "the URL is signed for none"
    assert json.loads(body)["Status"] == "SUCCESS"


def test_every_resource_has_its_module() -> None:
    import importlib

    for name in RESOURCES.values():
        module = importlib.import_module(f"vector_store.{name}")
        assert all(callable(getattr(module, verb)) for verb in ("create", "update", "delete"))
