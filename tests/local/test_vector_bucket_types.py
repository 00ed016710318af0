"""Vector buckets and their indices, and the service behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.session import LocalAws
from tests.local.knowledge_resources import (
    buckets,
)
from tests.local.small_stack import Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def test_vectors_are_put_queried_listed_and_deleted_as_documented(
    stack: Stack, aws: LocalAws
) -> None:
    index = stack.deploy(buckets(dimension=3))["Index"]
    vectors = aws.client("s3vectors")
    assert vectors.get_index(indexArn=index)["index"]["dimension"] == 3
    put = [
        {
            "key": f"k{at}",
            "data": {"float32": [1.0, at / 10, 0.0]},
            "metadata": {"year": 2000 + at, "tags": ["a", f"t{at}"], "text": "x" * 3000},
        }
        for at in range(6)
    ]
    vectors.put_vectors(indexArn=index, vectors=put)

    def query(**request: Any) -> list[str]:
        found = vectors.query_vectors(
            **{
                "indexArn": index,
                "topK": 3,
                "queryVector": {"float32": [1.0, 0.0, 0.0]},
                **request,
            }
        )
        return [each["key"] for each in found["vectors"]]

    assert query() == ["k0", "k1", "k2"]
    assert query(filter={"year": {"$gte": 2003, "$lt": 2005}}) == ["k3", "k4"]
    assert query(filter={"$or": [{"tags": "t5"}, {"year": 2002}]}) == ["k2", "k5"]
    assert query(filter={"$and": [{"tags": {"$nin": ["t0", "t1"]}}, {"tags": "a"}]})[0] == "k2"
    found = vectors.query_vectors(
        indexArn=index,
        topK=1,
        queryVector={"float32": [0.0, 2.0, 0.0]},
        returnDistance=True,
        returnMetadata=True,
    )
    assert found["distanceMetric"] == "cosine"
    assert found["vectors"][0]["metadata"]["year"] == 2005
    assert found["vectors"][0]["distance"] == pytest.approx(1 - 0.5 / 1.25**0.5, abs=1e-6)

    page = vectors.list_vectors(indexArn=index, maxResults=4)
    rest = vectors.list_vectors(indexArn=index, maxResults=4, nextToken=page["nextToken"])
    assert [each["key"] for each in page["vectors"] + rest["vectors"]] == [
        each["key"] for each in put
    ]
    assert "nextToken" not in rest
    vectors.delete_vectors(indexArn=index, keys=["k0", "unknown"])
    assert query() == ["k1", "k2", "k3"]
    got = vectors.get_vectors(indexArn=index, keys=["k0", "k1"], returnData=True)["vectors"]
    assert [each["key"] for each in got] == ["k1"]
    assert got[0]["data"]["float32"] == pytest.approx([1.0, 0.1, 0.0])


@pytest.fixture(scope="module")
def vector_index(aws: LocalAws) -> Iterator[str]:
    vectors = aws.client("s3vectors")
    vectors.create_vector_bucket(vectorBucketName="limits")
    made = vectors.create_index(
        vectorBucketName="limits",
        indexName="limits",
        dataType="float32",
        dimension=3,
        distanceMetric="cosine",
        metadataConfiguration={"nonFilterableMetadataKeys": ["text"]},
    )
    yield made["indexArn"]
    vectors.delete_index(indexArn=made["indexArn"])
    vectors.delete_vector_bucket(vectorBucketName="limits")


@pytest.mark.parametrize(
    ("vector", "complaint"),
    [
        ({"data": {"float32": [1.0]}}, "must have length 3, but has length 1"),
        ({"data": {"float32": [0.0, 0.0, 0.0]}}, "zero vector"),
        ({"metadata": {"note": "x" * 2100}}, "Filterable metadata must have at most 2048 bytes"),
        ({"metadata": {"text": "x" * 41000}}, "Total metadata must have at most 40960 bytes"),
        ({"metadata": {f"n{at}": at for at in range(51)}}, "at most 50 are allowed"),
        ({"metadata": {"a": {"b": 1}}}, "metadata 'a'.*text, a number, a truth value or a list"),
        ({"metadata": {"a": None}}, "metadata 'a'"),
        ({"key": "k" * 1025}, "less than or equal to 1024"),
        ({"data": {"float32": [float("nan"), 0.0, 0.0]}}, "must be a number"),
    ],
    ids=["dimension", "zero", "filterable", "total", "keys", "nested", "null", "key", "nan"],
)
def test_pitfall_34_a_vector_beyond_the_limits_is_refused(
    vector_index: str, aws: LocalAws, vector: dict[str, Any], complaint: str
) -> None:
    vectors = aws.client("s3vectors", parameter_validation=False)
    whole = {"key": "k", "data": {"float32": [1.0, 0.0, 0.0]}, **vector}
    with pytest.raises(vectors.exceptions.ValidationException, match=complaint):
        vectors.put_vectors(indexArn=vector_index, vectors=[whole])
    assert vectors.list_vectors(indexArn=vector_index)["vectors"] == []


@pytest.mark.parametrize(
    ("operation", "change", "complaint"),
    [
        ("query_vectors", {"topK": None}, "'topK'.*must not be null"),
        ("query_vectors", {"topK": 1.5}, "'topK'.*integer"),
        ("query_vectors", {"queryVector": {}}, "'queryVector'.*exactly one"),
        ("query_vectors", {"queryVector": {"float32": [float("inf")] * 3}}, "must be a number"),
        ("list_vectors", {"maxResults": 5000}, "less than or equal to 1000"),
        ("list_vectors", {"segmentCount": 2, "segmentIndex": 2}, "less than segmentCount"),
        ("list_vectors", {"segmentIndex": 1}, "less than segmentCount"),
        ("list_vectors", {"nextToken": "abc"}, "nextToken"),
        ("put_vectors", {"vectors": [{"data": {"float32": [1.0] * 3}}]}, "'vectors.1.member.key'"),
        ("create_vector_bucket", {"vectorBucketName": "UPPER-case"}, "lowercase"),
        ("create_vector_bucket", {"vectorBucketName": "ends-"}, "lowercase"),
        ("create_index", {"indexName": "under_score"}, "lowercase"),
    ],
)
def test_requests_that_the_service_of_vectors_does_not_take(
    vector_index: str, aws: LocalAws, operation: str, change: dict[str, Any], complaint: str
) -> None:
    vectors = aws.client("s3vectors", parameter_validation=False)
    whole: dict[str, Any] = {
        "query_vectors": {"topK": 1, "queryVector": {"float32": [1.0, 0.0, 0.0]}},
        "create_index": {
            "vectorBucketName": "limits", "dataType": "float32", "dimension": 3,
            "distanceMetric": "cosine",
        },
    }.get(operation, {})  # fmt: skip
    if operation.endswith("_vectors"):
        whole["indexArn"] = vector_index
    asked = {name: value for name, value in {**whole, **change}.items() if value is not None}
    with pytest.raises(vectors.exceptions.ValidationException, match=complaint):
        getattr(vectors, operation)(**asked)


def test_the_service_of_vectors_refuses_by_the_documented_names(
    vector_index: str, aws: LocalAws
) -> None:
    vectors = aws.client("s3vectors")
    errors = vectors.exceptions
    with pytest.raises(errors.ConflictException):
        vectors.create_vector_bucket(vectorBucketName="limits")
    with pytest.raises(errors.ConflictException, match="not empty"):
        vectors.delete_vector_bucket(vectorBucketName="limits")
    with pytest.raises(errors.NotFoundException):
        vectors.get_index(vectorBucketName="limits", indexName="nowhere")
    asked = {"indexArn": vector_index, "topK": 1, "queryVector": {"float32": [1.0, 0.0, 0.0]}}
    for wrong, complaint in (
        ({"topK": 101}, "topK must be between 1 and 100"),
        ({"queryVector": {"float32": [1.0]}}, "its length is 1, the index's dimension 3"),
        ({"filter": {"text": "x"}}, "nothing"),
    ):
        if complaint == "nothing":  # an empty index decides no filter
            assert vectors.query_vectors(**{**asked, **wrong})["vectors"] == []
        else:
            with pytest.raises(errors.ValidationException, match=complaint):
                vectors.query_vectors(**{**asked, **wrong})
