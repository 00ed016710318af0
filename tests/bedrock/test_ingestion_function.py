"""The function ingestion in a process of its own, between a queue and a real knowledge base."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ingestion.data_source import seconds_of
from ingestion.messages import SKEW_SECONDS
from tests.bedrock.conftest import Knowledge
from tests.lambdas.copies import Function

pytestmark = pytest.mark.xdist_group("bedrock")


@dataclass
class Ingestion:
    """The function, its queue, and what plays the event source mapping."""

    knowledge: Knowledge
    outputs: dict[str, str]
    function: Function
    table: str
    settings: dict[str, str]
    sqs: Any = field(init=False)

    def __post_init__(self) -> None:
        self.sqs = self.knowledge.aws.client("sqs")

    def event(self, count: int = 1) -> None:
        for number in range(count):
            body = json.dumps({"Records": [{"s3": {"object": {"key": f"fixed/{number}"}}}]})
            self.sqs.send_message(QueueUrl=self.outputs["Events"], MessageBody=body)

    def deliver(self) -> tuple[int, list[str]]:
        """One batch: how many messages, and the ids of those that came back."""
        found = self.sqs.receive_message(
            QueueUrl=self.outputs["Events"], MaxNumberOfMessages=10, VisibilityTimeout=600,
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])  # fmt: skip
        records = [
            {
                "messageId": each["MessageId"], "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"], "attributes": each["Attributes"],
                "eventSource": "aws:sqs", "eventSourceARN": self.outputs["EventsArn"],
            }
            for each in found
        ]  # fmt: skip
        answer = self.function.invoke({"Records": records})
        back = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        for each in found:
            if each["MessageId"] not in back:
                self.sqs.delete_message(
                    QueueUrl=self.outputs["Events"], ReceiptHandle=each["ReceiptHandle"]
                )
            else:
                self.sqs.change_message_visibility(  # the test does not wait for a minute
                    QueueUrl=self.outputs["Events"], ReceiptHandle=each["ReceiptHandle"],
                    VisibilityTimeout=0,
                )  # fmt: skip
        return len(found), back

    def until_done(self) -> int:
        """Deliver until nothing is left; how many batches that took."""
        for batches in range(1, 200):
            count, back = self.deliver()
            if not count:
                return batches
            if back:
                time.sleep(0.1)
        raise AssertionError(f"never done: {self.item()}")

    def item(self) -> dict[str, str]:
        table = self.knowledge.aws.client("dynamodb")
        found = table.get_item(TableName=self.table, Key={"id": {"S": "ingestion"}})
        return {name: next(iter(value.values())) for name, value in found.get("Item", {}).items()}

    def drain(self, name: str) -> list[Any]:
        bodies = []
        while found := self.sqs.receive_message(
            QueueUrl=self.outputs[name], MaxNumberOfMessages=10
        ).get("Messages"):
            for each in found:
                bodies.append(json.loads(each["Body"]))
                self.sqs.delete_message(
                    QueueUrl=self.outputs[name], ReceiptHandle=each["ReceiptHandle"]
                )
        return bodies


@pytest.fixture
def ingestion(
    knowledge: Knowledge,
    asked_outputs: dict[str, str],
    environment: dict[str, str],
) -> Iterator[Ingestion]:
    dynamodb = knowledge.aws.client("dynamodb")
    table = f"progress-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=table, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    settings = {
        **environment,
        "DATA_SOURCE_ID": knowledge.outputs["none"],
        "KNOWLEDGE_TABLE": table,
        "TOPIC_ARN": asked_outputs["Topic"],
        "FAILED_DOCUMENTS_QUEUE_URL": asked_outputs["FailedDocuments"],
    }
    with Function("ingestion.handler.handler", **settings) as function:
        yield Ingestion(knowledge, asked_outputs, function, table, settings)


def jobs(ingestion: Ingestion) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ingestion.knowledge.agent.list_ingestion_jobs(
        **ingestion.knowledge.source("none"),
        sortBy={"attribute": "STARTED_AT", "order": "DESCENDING"},
    )["ingestionJobSummaries"]
    return found


def test_a_burst_becomes_one_job_and_progress_is_noted(ingestion: Ingestion) -> None:
    before = len(jobs(ingestion))
    name = f"burst-{uuid.uuid4().hex[:6]}"
    for number in range(3):
        ingestion.knowledge.put(f"none/{name}-{number}.txt", f"Text {number} about {name}.")
    ingestion.event(12)
    time.sleep(SKEW_SECONDS + 0.1)  # the queue's batching window
    assert "last_completed" not in ingestion.item()
    ingestion.until_done()
    found = jobs(ingestion)
    assert len(found) - before == 1
    newest = found[0]
    item = ingestion.item()
    assert item["last_completed"] == newest["ingestionJobId"] and item["status"] == "COMPLETE"
    assert item["job"] == newest["ingestionJobId"] and item["documents_failed"] == "0"
    assert seconds_of(item["completed_at"]) >= seconds_of(item["started_at"])
    assert ingestion.knowledge.retrieve(f"Text about {name}", numberOfResults=1)


@pytest.mark.slow
def test_an_event_that_comes_while_a_job_runs_gets_a_job_of_its_own(ingestion: Ingestion) -> None:
    knowledge = ingestion.knowledge
    name = f"late-{uuid.uuid4().hex[:6]}"
    for number in range(12):
        knowledge.put(f"none/{name}/{number}.txt", f"Slow text {number} {name} " * 20)
    running = knowledge.agent.start_ingestion_job(**knowledge.source("none"))["ingestionJob"]
    time.sleep(0.6)  # what was put before the job started would be covered by it
    knowledge.put(f"none/{name}.txt", f"The late document {name}.")
    ingestion.event()
    _, back = ingestion.deliver()
    assert len(back) == 1
    ingestion.until_done()
    assert ingestion.item()["last_completed"] != running["ingestionJobId"]
    uris = [
        each["location"]["s3Location"]["uri"]
        for each in knowledge.retrieve(f"The late document {name}", numberOfResults=3)
    ]
    assert f"s3://{knowledge.bucket}/none/{name}.txt" in uris


def test_documents_that_fail_are_reported_once_each(ingestion: Ingestion) -> None:
    knowledge = ingestion.knowledge
    uri = knowledge.put("none/broken.pdf", b"%PDF-1.7 but no more than that")
    try:
        ingestion.event()
        time.sleep(0.6)  # an event of this moment would make a second job
        ingestion.until_done()
        item = ingestion.item()
        assert item["documents_failed"] == "1" and item["reported"] == item["last_completed"]
        (failed,) = ingestion.drain("FailedDocuments")
        assert failed["uri"] == uri and failed["status"] == "FAILED" and failed["reason"]
        assert failed["job"] == item["last_completed"]
        (told,) = ingestion.drain("Told")
        assert uri in told["Message"] and "1 failed" in told["Message"]
        ingestion.function.invoke({"groundwork": {"ingestion": "watch"}})
        assert ingestion.drain("FailedDocuments") == [] == ingestion.drain("Told")
    finally:
        knowledge.s3.delete_object(Bucket=knowledge.bucket, Key="none/broken.pdf")
        knowledge.ingest("none")


def test_a_topic_that_is_gone_stops_no_ingestion(ingestion: Ingestion) -> None:
    knowledge, name = ingestion.knowledge, f"told-{uuid.uuid4().hex[:6]}"
    knowledge.put("none/broken.pdf", b"%PDF-1.7 but no more than that")
    gone = {"TOPIC_ARN": ingestion.settings["TOPIC_ARN"] + "-gone"}
    try:
        ingestion.event()
        time.sleep(0.6)
        with Function("ingestion.handler.handler", **{**ingestion.settings, **gone}) as function:
            mute = replace(ingestion, function=function)
            while "last_completed" not in mute.item():
                assert len(mute.deliver()[1]) == 1
                time.sleep(0.1)
            first = mute.item()["last_completed"]
            knowledge.put(f"none/{name}.txt", f"A text about {name}.")
            mute.event()
            time.sleep(0.6)
            while mute.item()["last_completed"] == first:
                assert len(mute.deliver()[1]) == 1
                time.sleep(0.1)
        assert "reported" not in ingestion.item() and ingestion.drain("Told") == []
        ingestion.until_done()
        assert ingestion.item()["reported"] == ingestion.item()["last_completed"]
        queued = [(each["job"], each["uri"]) for each in ingestion.drain("FailedDocuments")]
        assert len(queued) == len(set(queued))
        assert ingestion.item()["last_completed"] in {job for job, _ in queued}
        assert len(ingestion.drain("Told")) == 1
    finally:
        knowledge.s3.delete_object(Bucket=knowledge.bucket, Key="none/broken.pdf")
        knowledge.ingest("none")


def test_events_do_not_start_a_job_that_has_just_failed_again(ingestion: Ingestion) -> None:
    """Its bucket is gone, so every job would fail."""
    knowledge = ingestion.knowledge
    made = knowledge.agent.create_data_source(
        knowledgeBaseId=knowledge.id,
        name=f"gone-{uuid.uuid4().hex[:6]}",
        dataSourceConfiguration={
            "type": "S3",
            "s3Configuration": {"bucketArn": f"arn:aws:s3:::gone-{uuid.uuid4().hex}"},
        },
    )["dataSource"]
    source = {"knowledgeBaseId": knowledge.id, "dataSourceId": made["dataSourceId"]}
    settings = {**ingestion.settings, "DATA_SOURCE_ID": made["dataSourceId"]}
    try:
        with Function("ingestion.handler.handler", **settings) as function:
            failing = replace(ingestion, function=function)
            for _ in range(12):
                failing.event()
                failing.deliver()
                time.sleep(0.2)
            item = failing.item()
            assert item["status"] == "FAILED" and item["ended"] == item["job"] == item["reported"]
            assert "last_completed" not in item
            (told,) = failing.drain("Told")
            assert "does not exist" in told["Message"]
        jobs_of_source = knowledge.agent.list_ingestion_jobs(**source)["ingestionJobSummaries"]
        assert len(jobs_of_source) == 1
    finally:
        ingestion.sqs.purge_queue(QueueUrl=ingestion.outputs["Events"])
        knowledge.agent.delete_data_source(**source)


def test_without_an_answer_of_bedrock_every_message_comes_back(ingestion: Ingestion) -> None:
    ingestion.event(3)
    ingestion.knowledge.aws.control(
        "bedrock/refuse", operations="ListIngestionJobs", error="InternalServerException", times=9
    )
    count, back = ingestion.deliver()
    ingestion.knowledge.aws.control("bedrock/reset")
    assert len(back) == count > 0
    ingestion.until_done()
    assert ingestion.item()["status"] == "COMPLETE"
