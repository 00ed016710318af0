"""Knowledge bases and data sources: what they need, what replaces them, what stays."""

from __future__ import annotations

from typing import Any

import pytest

from local.session import LocalAws
from tests.local.knowledge_resources import (
    DEPLOYER,
    ON_VECTORS,
    TITAN,
    buckets,
    knowledge_base,
    search,
)
from tests.local.small_stack import Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def test_a_knowledge_base_on_a_collection_is_made_changed_replaced_and_deleted(
    stack: Stack, aws: LocalAws
) -> None:
    bedrock = aws.client("bedrock-agent")
    first = stack.deploy({**search(), **knowledge_base()}, DEPLOYER)
    known = bedrock.get_knowledge_base(knowledgeBaseId=first["Base"])["knowledgeBase"]
    assert known["status"] == "ACTIVE"
    assert known["storageConfiguration"]["opensearchServerlessConfiguration"]["vectorIndexName"]
    (summary,) = aws.client("opensearchserverless").list_collections()["collectionSummaries"]
    assert summary["status"] == "ACTIVE"
    assert f"{summary['id']}/passages" in aws.control("status")["stores"]["indices"]

    described = knowledge_base()
    described["Base"]["Properties"]["Description"] = "known"
    second = stack.deploy({**search(), **described}, DEPLOYER)
    assert second == first

    # Chunking can only be replaced (and the name is then another one)
    chunked = knowledge_base()
    chunked["Source"]["Properties"].update(
        Name="chunked",
        VectorIngestionConfiguration={"ChunkingConfiguration": {"ChunkingStrategy": "NONE"}},
    )
    third = stack.deploy({**search(), **chunked}, DEPLOYER)
    assert third["Base"] == first["Base"]
    assert third["Source"] != first["Source"]
    sources = bedrock.list_data_sources(knowledgeBaseId=first["Base"])["dataSourceSummaries"]
    assert [each["name"] for each in sources] == ["chunked"]

    assert stack.delete() == "DELETE_COMPLETE"
    assert bedrock.list_knowledge_bases()["knowledgeBaseSummaries"] == []
    assert aws.client("opensearchserverless").list_collections()["collectionSummaries"] == []


def test_pitfall_25_the_role_that_deploys_must_be_named_to_create_an_index(stack: Stack) -> None:
    with pytest.raises(AssertionError, match=r"403 Forbidden: .*/somebody-else has no aoss:Create"):
        stack.deploy(search(), "arn:aws:iam::000000000000:role/somebody-else")


def test_pitfall_24_a_role_that_no_data_policy_names_makes_no_knowledge_base(stack: Stack) -> None:
    with pytest.raises(
        AssertionError, match=r"403 Forbidden: .* has no aoss:ReadDocument on index"
    ):
        stack.deploy({**search(readers=DEPLOYER), **knowledge_base()}, DEPLOYER)


@pytest.mark.parametrize(
    ("index", "complaint"),
    [
        ({"dimension": 512}, "Query vector has invalid dimension: 1024. Dimension should be: 512"),
        ({"Engine": "nmslib"}, "the index's engine is nmslib; a knowledge base needs faiss"),
        ({"dimension": 20000}, "between 1 and 16000"),
    ],
    ids=["dimension", "engine", "size"],
)
def test_pitfall_29_an_index_that_does_not_fit_is_refused(
    stack: Stack, index: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        stack.deploy({**search(**index), **knowledge_base()}, DEPLOYER)


def test_pitfall_30_a_name_collides_with_what_it_replaces(stack: Stack) -> None:
    stack.deploy({**buckets(), **knowledge_base(**ON_VECTORS)})
    other = {**buckets(index="others"), **knowledge_base(**ON_VECTORS)}
    with pytest.raises(AssertionError, match="KnowledgeBase with name kb already exists"):
        stack.deploy(other)


def on_index(arn: str) -> dict[str, Any]:
    """What CreateKnowledgeBase is told of somebody's knowledge base on an index of S3 Vectors."""
    return {
        "roleArn": "arn:aws:iam::000000000000:role/somebody",
        "knowledgeBaseConfiguration": {
            "type": "VECTOR",
            "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": TITAN},
        },
        "storageConfiguration": {
            "type": "S3_VECTORS",
            "s3VectorsConfiguration": {"indexArn": arn},
        },
    }


def test_a_token_makes_one_knowledge_base(stack: Stack, aws: LocalAws) -> None:
    made = stack.deploy(buckets())
    bedrock = aws.client("bedrock-agent")

    def create(token: str) -> str:
        answer = bedrock.create_knowledge_base(
            clientToken=token * 36,
            name="once",
            **on_index(made["Index"]),
            tags={"stack": "one"},
        )["knowledgeBase"]
        assert bedrock.list_tags_for_resource(resourceArn=answer["knowledgeBaseArn"])["tags"]
        return str(answer["knowledgeBaseId"])

    first = create("a")
    try:
        assert create("a") == first
        with pytest.raises(bedrock.exceptions.ConflictException):
            create("b")
    finally:
        bedrock.delete_knowledge_base(knowledgeBaseId=first)


def test_create_knowledge_base_looks_at_its_store_too(aws: LocalAws) -> None:
    bedrock = aws.client("bedrock-agent")
    nowhere = "arn:aws:s3vectors:eu-west-1:000000000000:bucket/none/index/none"
    with pytest.raises(bedrock.exceptions.ValidationException, match="index could not be found"):
        bedrock.create_knowledge_base(name="nowhere", **on_index(nowhere))


def test_pitfall_31_a_store_that_went_first_lets_no_data_source_go(
    stack: Stack, aws: LocalAws
) -> None:
    made = stack.deploy({**buckets(), **knowledge_base(**ON_VECTORS)})
    vectors = aws.client("s3vectors")
    vectors.delete_index(indexArn=made["Index"])
    assert stack.delete() == "DELETE_FAILED"
    assert "Unable to delete data from vector store for data source" in stack.why()
    assert "RETAIN" in stack.why()
    # With RETAIN it goes
    source = made["Source"].split("|")
    bedrock = aws.client("bedrock-agent")
    known = bedrock.get_data_source(knowledgeBaseId=source[0], dataSourceId=source[1])["dataSource"]
    bedrock.update_data_source(
        knowledgeBaseId=source[0],
        dataSourceId=source[1],
        name=known["name"],
        dataSourceConfiguration=known["dataSourceConfiguration"],
        dataDeletionPolicy="RETAIN",
    )
    assert stack.delete() == "DELETE_COMPLETE"
