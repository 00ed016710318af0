"""Ingestion jobs on real documents: what is indexed, what is skipped, what fails and how."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.bedrock.conftest import Knowledge

pytestmark = pytest.mark.xdist_group("bedrock")

Ingested = tuple[Knowledge, dict[str, Any]]


def test_real_documents_are_indexed_and_counted(
    ingested: Ingested, corpus: list[tuple[str, str, str]]
) -> None:
    _, job = ingested
    assert job["status"] == "COMPLETE", job
    statistics = job["statistics"]
    assert statistics["numberOfDocumentsScanned"] == len(corpus)
    assert statistics["numberOfMetadataDocumentsScanned"] == len(corpus)
    assert statistics["numberOfNewDocumentsIndexed"] == len(corpus)
    assert statistics["numberOfDocumentsFailed"] == 0
    assert job["updatedAt"] >= job["startedAt"]


def test_a_second_job_finds_nothing_to_do(ingested: Ingested) -> None:
    knowledge, first = ingested
    began = time.monotonic()
    again = knowledge.ingest("fixed")["statistics"]
    assert again["numberOfDocumentsScanned"] == first["statistics"]["numberOfDocumentsScanned"]
    assert again["numberOfNewDocumentsIndexed"] == again["numberOfModifiedDocumentsIndexed"] == 0
    assert time.monotonic() - began < 10


def test_a_sync_is_incremental(knowledge: Knowledge) -> None:
    for number in range(3):
        knowledge.put(f"none/{number}.txt", f"Paragraph {number} is about lighthouses at sea.")
    assert knowledge.ingest("none")["statistics"]["numberOfNewDocumentsIndexed"] == 3

    knowledge.put("none/0.txt", "Paragraph 0 is about vineyards in the hills now.")
    knowledge.put("none/1.txt.metadata.json", '{"metadataAttributes": {"kind": "sea"}}')
    knowledge.s3.delete_object(Bucket=knowledge.bucket, Key="none/2.txt")
    statistics = knowledge.ingest("none")["statistics"]
    assert statistics["numberOfDocumentsScanned"] == 2
    assert statistics["numberOfModifiedDocumentsIndexed"] == 1
    assert statistics["numberOfMetadataDocumentsModified"] == 1
    assert statistics["numberOfDocumentsDeleted"] == 1

    source = {
        "equals": {"key": "x-amz-bedrock-kb-data-source-id", "value": knowledge.outputs["none"]}
    }
    texts = [each["content"]["text"] for each in knowledge.retrieve("lighthouses", filter=source)]
    assert sorted(text[:22] for text in texts) == [
        "Paragraph 0 is about v",
        "Paragraph 1 is about l",
    ]
    kind = {"equals": {"key": "kind", "value": "sea"}}
    (sea,) = knowledge.retrieve("lighthouses", filter=kind)
    assert sea["metadata"]["kind"] == "sea"


def test_documents_that_cannot_be_read_fail_alone_and_say_why(knowledge: Knowledge) -> None:
    good = knowledge.put("semantic/good.md", "A heron waits in the reeds. It catches a frog.")
    binary = knowledge.put("semantic/binary.txt", b"\xff\xfe\x00\x81")
    archive = knowledge.put("semantic/archive.zip", b"PK")
    huge = knowledge.put(
        "semantic/huge.txt",
        "A kite is a bird of prey.",
        json.dumps({"metadataAttributes": {"filler": "x" * 11_000}}),
    )
    job = knowledge.ingest("semantic")
    assert job["status"] == "COMPLETE"
    assert job["statistics"]["numberOfDocumentsFailed"] == 2
    reasons = " ".join(job["failureReasons"])
    assert binary in reasons
    assert archive in reasons
    assert "not supported" in reasons
    assert "10 KB" in reasons

    listed = {
        each["identifier"]["s3"]["uri"]: each
        for each in knowledge.agent.list_knowledge_base_documents(**knowledge.source("semantic"))[
            "documentDetails"
        ]
    }
    assert listed[good]["status"] == "INDEXED"
    assert listed[binary]["status"] == listed[archive]["status"] == "FAILED"
    assert listed[huge]["status"] == "METADATA_PARTIALLY_INDEXED"
    assert "cannot be read" in listed[binary]["statusReason"]


def test_one_job_at_a_time_in_a_knowledge_base(knowledge: Knowledge) -> None:
    knowledge.aws.control("bedrock/ingestion", seconds=2)
    job = knowledge.agent.start_ingestion_job(**knowledge.source("hierarchical"))["ingestionJob"]
    assert job["status"] == "STARTING"
    for name in ("hierarchical", "none"):
        with pytest.raises(ClientError) as refused:
            knowledge.agent.start_ingestion_job(**knowledge.source(name))
        assert refused.value.response["Error"]["Code"] == "ConflictException"
        assert job["ingestionJobId"] in str(refused.value)
    assert knowledge.ended("hierarchical", job["ingestionJobId"])["status"] == "COMPLETE"


def test_a_job_can_be_stopped_and_the_next_one_goes_on(knowledge: Knowledge) -> None:
    for number in range(20):
        knowledge.put(f"hierarchical/stop/{number}.txt", f"Plain sentence number {number} on bees.")
    knowledge.aws.control("bedrock/ingestion", seconds=30)
    job = knowledge.agent.start_ingestion_job(**knowledge.source("hierarchical"))["ingestionJob"]
    stopping = knowledge.agent.stop_ingestion_job(
        **knowledge.source("hierarchical"), ingestionJobId=job["ingestionJobId"]
    )["ingestionJob"]
    assert stopping["status"] == "STOPPING"
    stopped = knowledge.ended("hierarchical", job["ingestionJobId"])
    assert stopped["status"] == "STOPPED"
    assert stopped["statistics"]["numberOfNewDocumentsIndexed"] == 0
    knowledge.aws.control("bedrock/reset")
    assert knowledge.ingest("hierarchical")["statistics"]["numberOfNewDocumentsIndexed"] >= 20
    with pytest.raises(ClientError, match="cannot be stopped"):
        knowledge.agent.stop_ingestion_job(
            **knowledge.source("hierarchical"), ingestionJobId=job["ingestionJobId"]
        )


def test_a_repeated_token_starts_no_second_job(knowledge: Knowledge) -> None:
    token = "a" * 40
    first, second = (
        knowledge.agent.start_ingestion_job(**knowledge.source("none"), clientToken=token)
        for _ in range(2)
    )
    assert first["ingestionJob"]["ingestionJobId"] == second["ingestionJob"]["ingestionJobId"]
    knowledge.ended("none", first["ingestionJob"]["ingestionJobId"])


def test_jobs_are_listed_newest_first_in_pages(knowledge: Knowledge) -> None:
    jobs = [knowledge.ingest("none")["ingestionJobId"] for _ in range(3)]
    paginator = knowledge.agent.get_paginator("list_ingestion_jobs")
    listed = [
        each["ingestionJobId"]
        for page in paginator.paginate(
            **knowledge.source("none"),
            filters=[{"attribute": "STATUS", "operator": "EQ", "values": ["COMPLETE"]}],
            PaginationConfig={"PageSize": 2},
        )
        for each in page["ingestionJobSummaries"]
    ]
    assert listed[:3] == jobs[::-1]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"knowledgeBaseId": "ABCDEFGHIJ"}, "ResourceNotFoundException"),
        ({"dataSourceId": "ABCDEFGHIJ"}, "ResourceNotFoundException"),
        ({"dataSourceId": "short"}, "ValidationException"),
    ],
)
def test_unknown_places_are_refused(
    knowledge: Knowledge, changed: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        knowledge.agent.start_ingestion_job(**{**knowledge.source("none"), **changed})
    assert refused.value.response["Error"]["Code"] == code


def test_documents_are_ingested_and_deleted_directly(knowledge: Knowledge) -> None:
    uri = knowledge.put("none/direct.txt", "Direct ingestion knows about walruses on the ice.")
    identifier = {"dataSourceType": "S3", "s3": {"uri": uri}}
    answer = knowledge.agent.ingest_knowledge_base_documents(
        **knowledge.source("none"),
        documents=[
            {"content": {"dataSourceType": "S3", "s3": {"s3Location": {"uri": uri}}}},
        ],
    )
    assert answer["documentDetails"][0]["status"] == "STARTING"
    assert _status(knowledge, identifier, "INDEXED")
    assert "walruses" in knowledge.retrieve("walruses on ice")[0]["content"]["text"]

    knowledge.agent.delete_knowledge_base_documents(
        **knowledge.source("none"), documentIdentifiers=[identifier]
    )
    assert _status(knowledge, identifier, "NOT_FOUND")
    assert "walruses" not in knowledge.retrieve("walruses on ice")[0]["content"]["text"]


def test_a_deleted_data_source_takes_its_vectors_along(knowledge: Knowledge) -> None:
    made = knowledge.agent.create_data_source(
        knowledgeBaseId=knowledge.id,
        name="short-lived",
        dataDeletionPolicy="DELETE",
        dataSourceConfiguration={
            "type": "S3",
            "s3Configuration": {
                "bucketArn": f"arn:aws:s3:::{knowledge.bucket}",
                "inclusionPrefixes": ["short-lived/"],
            },
        },
    )["dataSource"]
    source = {"knowledgeBaseId": knowledge.id, "dataSourceId": made["dataSourceId"]}
    knowledge.put("short-lived/axolotl.txt", "The axolotl keeps its gills for life.")
    job = knowledge.agent.start_ingestion_job(**source)["ingestionJob"]["ingestionJobId"]
    for _ in range(200):
        if (
            knowledge.agent.get_ingestion_job(**source, ingestionJobId=job)["ingestionJob"][
                "status"
            ]
            == "COMPLETE"
        ):
            break
        time.sleep(0.05)
    assert "axolotl" in knowledge.retrieve("axolotl gills")[0]["content"]["text"]
    knowledge.agent.delete_data_source(**source)
    assert not any("axolotl" in each["content"]["text"] for each in knowledge.retrieve("axolotl"))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        knowledge.agent.start_ingestion_job(**source)


def _status(knowledge: Knowledge, identifier: dict[str, Any], wanted: str) -> bool:
    for _ in range(200):
        (detail,) = knowledge.agent.get_knowledge_base_documents(
            **knowledge.source("none"), documentIdentifiers=[identifier]
        )["documentDetails"]
        if detail["status"] == wanted:
            return True
        time.sleep(0.05)
    return False
