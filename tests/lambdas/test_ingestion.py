"""Ingestion: any order of events, jobs, failures, refusals and restarts loses nothing."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.aws import Aws
from edge.errors import AwsError
from ingestion.data_source import DataSource, Job, seconds_of
from ingestion.ingesting import (
    WAIT_AFTER_FAILURE_SECONDS,
    WAIT_SECONDS,
    Ingestion,
    Outcome,
)
from ingestion.messages import SKEW_SECONDS, Message, messages_of, newest_waiting
from ingestion.progress import Progress
from ingestion.report import MOST_DOCUMENTS, Report
from tests.lambdas.local_aws import LocalAws
from tests.lambdas.scripted_bedrock import SESSION


def iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + ".000Z"


class Service:
    """The data source as its documentation describes it: one job at a time, which indexes what is
    there when it starts. Calls are checked with the service models.
    """

    def __init__(self, aws: Aws | None = None) -> None:
        self.aws = aws
        self.now = 1_800_000_000.0
        self.jobs: list[dict[str, Any]] = []
        self.bucket: set[int] = set()
        self.indexed: set[int] = set()
        self.reports: list[str] = []
        self.broken: list[str] = []
        self.refused: set[str] = set()
        self.left = 50.0

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        model = SESSION.get_service_model(service).operation_model(operation)
        report = ParamValidator().validate(params, model.input_shape).generate_report()
        assert report == "", report
        if operation in self.refused:
            raise AwsError("AccessDeniedException", 403, "no", False)
        if operation == "ListIngestionJobs":
            return {"ingestionJobSummaries": self.jobs[::-1]}
        if operation == "StartIngestionJob":
            if self.running:
                raise AwsError("ConflictException", 409, "one at a time", False)
            return {"ingestionJob": self.start()}
        if operation == "Publish":
            self.reports.append(params["Message"])
        if operation == "GetIngestionJob":
            return {"ingestionJob": {"failureReasons": ["because"]}}
        if operation == "ListKnowledgeBaseDocuments":
            return self.page(int(params.get("nextToken", 0)), params["maxResults"])
        if self.aws is not None and service in ("dynamodb", "sqs"):
            return self.aws.call(service, operation, **params)
        return {}

    def page(self, first: int, size: int) -> dict[str, Any]:
        """Every second document failed."""
        self.left -= 1
        uris = [uri for each in self.broken for uri in (f"{each}-good", each)]
        found = [
            {
                "identifier": {"dataSourceType": "S3", "s3": {"uri": uri}},
                "status": "INDEXED" if uri.endswith("good") else "FAILED",
            }
            for uri in uris[first : first + size]
        ]
        more = {"nextToken": str(first + size)} if first + size < len(uris) else {}
        return {"documentDetails": found, **more}

    @property
    def running(self) -> dict[str, Any] | None:
        return next((job for job in self.jobs if job["status"] == "IN_PROGRESS"), None)

    def start(self) -> dict[str, Any]:
        job = {
            "ingestionJobId": f"JOB{len(self.jobs)}", "knowledgeBaseId": "K", "dataSourceId": "D",
            "status": "IN_PROGRESS", "startedAt": iso(self.now), "updatedAt": iso(self.now),
            "sees": set(self.bucket),
        }  # fmt: skip
        self.jobs.append(job)
        return job

    def end(self, status: str) -> None:
        job = self.running
        if job is not None:
            job["status"], job["updatedAt"] = status, iso(self.now)
            job["statistics"] = {"numberOfDocumentsFailed": len(self.broken)}
            if status == "COMPLETE":
                self.indexed |= job["sees"]

    def ingestion(self) -> Ingestion:
        return Ingestion(
            DataSource(self.call, knowledge_base_id="KB12345678", data_source_id="DS12345678"),
            progress=Progress(self.call, table=self.table),
            report=Report(self.call, topic_arn="arn:aws:sns:r:1:t", queue_url=self.queue),
            now=lambda: self.now,
            left=lambda: self.left,
        )

    table = "progress"
    queue = "https://q"

    def take(self, *messages: Message) -> Outcome:
        """One invocation."""
        self.left = 50.0
        return self.ingestion().take(messages)


def message(number: int, sent_at: float) -> Message:
    return Message(str(number), sent_at=sent_at, handle=f"h{number}", queue_arn="arn:q")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 30)),
        st.tuples(st.just("deliver"), st.integers(1, 10)),
        st.tuples(st.just("end"), st.sampled_from(["COMPLETE", "COMPLETE", "FAILED", "STOPPED"])),
        st.tuples(st.just("wait"), st.integers(1, 5)),
        st.tuples(st.just("somebody"), st.just(0)),
    ),
    max_size=30,
)


class Play:
    """A queue of events in front of the service."""

    def __init__(self) -> None:
        self.service = Service()
        self.queue: list[Message] = []

    def put(self, count: int) -> None:
        for _ in range(count):
            made = len(self.service.bucket) + 1
            self.service.bucket.add(made)
            self.queue.append(message(made, self.service.now))

    def deliver(self, size: int) -> None:
        batch, self.queue[:] = self.queue[:size], self.queue[size:]
        waiting = self.service.take(*batch).waiting
        if waiting is not None:
            self.queue.append(waiting.message)

    def end(self, status: str) -> None:
        self.service.end(status)

    def wait(self, seconds: int) -> None:
        self.service.now += seconds

    def somebody(self, _: int) -> None:
        """A job that is started by hand."""
        if self.service.running is None:
            self.service.start()


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_whatever_happens_every_document_gets_into_the_index(steps: list[tuple[str, Any]]) -> None:
    play = Play()
    for what, value in steps:
        play.service.now += 1
        getattr(play, what)(value)
    play.service.now += WAIT_AFTER_FAILURE_SECONDS
    for _ in range(3 * len(play.queue) + 10):
        play.service.now += 60
        play.deliver(10)
        play.end("COMPLETE")
    assert play.queue == []
    assert play.service.indexed == play.service.bucket


def test_thousands_of_events_wait_as_few_messages() -> None:
    service = Service()
    service.start()
    service.now += 10
    queue = [message(number, service.now) for number in range(1500)]
    for _ in range(170):
        batch, queue = queue[:10], queue[10:]
        waiting = service.take(*batch).waiting
        assert waiting is not None and 60 <= waiting.seconds <= 900
        queue.append(waiting.message)
    assert len(queue) < 10 and len(service.jobs) == 1


class Deployed(Service):
    """With the table and the queues of the local AWS."""

    def __init__(self, local_aws: LocalAws) -> None:
        super().__init__(local_aws.aws())
        self.table = f"progress-{uuid.uuid4().hex[:8]}"
        self.queue = local_aws.make_queue()
        self.local_aws = local_aws
        assert self.aws is not None
        self.aws.call(
            "dynamodb", "CreateTable", TableName=self.table, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )  # fmt: skip

    def drain(self) -> list[str]:
        return self.local_aws.drain(self.queue)

    def item(self) -> dict[str, str]:
        assert self.aws is not None
        found = self.aws.call(
            "dynamodb", "GetItem", TableName=self.table, Key={"id": {"S": "ingestion"}}
        )
        return {name: next(iter(value.values())) for name, value in found["Item"].items()}

    def end_with(self, status: str, *broken: str) -> None:
        self.start()
        self.now += 10
        self.broken = list(broken)
        self.end(status)


@pytest.fixture
def deployed(local_aws: LocalAws) -> Deployed:
    return Deployed(local_aws)


def test_a_failure_is_reported_once(deployed: Deployed) -> None:
    deployed.end_with("COMPLETE", "s3://b/1", "s3://b/2")
    for _ in range(3):
        assert deployed.take(message(1, deployed.now - 60)).waiting is None
    (told,) = deployed.reports
    assert "2 failed" in told and "s3://b/1: FAILED" in told and "Reason: because" in told
    assert [json.loads(each)["uri"] for each in deployed.drain()] == ["s3://b/1", "s3://b/2"]


@pytest.mark.parametrize("refused", ["Publish", "SendMessageBatch", "ListKnowledgeBaseDocuments"])
def test_a_report_that_cannot_be_delivered_stops_nothing_and_repeats_nothing(
    deployed: Deployed, refused: str
) -> None:
    broken = [f"s3://b/{number:04}" for number in range(25)]
    deployed.end_with("COMPLETE", *broken)
    deployed.refused = {refused}
    for number in range(4):
        deployed.now += 60
        outcome = deployed.take(message(number, deployed.now))
        assert outcome.failed and outcome.waiting is not None
        assert outcome.waiting.seconds == WAIT_SECONDS
    assert len(deployed.jobs) == 2 and deployed.item()["job"] == "JOB1"
    assert deployed.item()["last_completed"] == "JOB0"
    deployed.refused = set()
    assert not deployed.take(message(9, deployed.now)).failed
    assert len(deployed.reports) == 1
    assert [json.loads(each)["uri"] for each in deployed.drain()] == broken


def test_only_the_report_waits_when_everything_is_ingested(deployed: Deployed) -> None:
    deployed.end_with("COMPLETE", "s3://b/1")
    deployed.refused = {"Publish"}
    event = message(1, deployed.now - 60)
    outcome = deployed.take(event)
    assert outcome.failed and outcome.waiting is not None and outcome.waiting.message is event
    deployed.refused = set()
    assert deployed.take(event).waiting is None
    assert len(deployed.jobs) == 1 == len(deployed.reports)


def test_of_very_many_documents_a_thousand_are_queued_and_all_are_counted(
    deployed: Deployed,
) -> None:
    broken = [f"s3://b/{number:06}" for number in range(60_000)]
    deployed.end_with("COMPLETE", *broken[::-1])
    event = message(1, deployed.now - 60)
    outcome = deployed.take(event)
    assert outcome.waiting is None and not outcome.failed
    queued = [json.loads(each)["uri"] for each in deployed.drain()]
    assert queued == broken[::-1][:MOST_DOCUMENTS]
    assert "60000 failed" in deployed.reports[0] and "only the first 1000" in deployed.reports[0]


def test_the_time_of_an_invocation_bounds_its_part_of_a_report(deployed: Deployed) -> None:
    """Documents that failed are behind 60,000 others: more than an invocation's time."""
    deployed.end_with("COMPLETE", "s3://b/1")
    pages = deployed.page

    def page(first: int, size: int) -> dict[str, Any]:
        deployed.left -= 1
        return pages(0, size) if first == 60 else {"nextToken": str(first + 1)}

    deployed.page = page  # type: ignore[method-assign]
    event = message(1, deployed.now - 60)
    outcome = deployed.take(event)
    assert outcome.waiting is not None and not outcome.failed and not deployed.reports
    assert deployed.take(event).waiting is None
    assert len(deployed.reports) == 1 and len(deployed.drain()) == 1


def test_a_listing_that_cannot_go_on_begins_again(deployed: Deployed) -> None:
    deployed.end_with("COMPLETE", *(f"s3://b/{number}" for number in range(900)))
    pages = deployed.page
    refused: list[int] = []

    def page(first: int, size: int) -> dict[str, Any]:
        if first and not refused:
            refused.append(first)
            raise AwsError("ValidationException", 400, "the token has expired", False)
        return pages(first, size)

    deployed.page = page  # type: ignore[method-assign]
    event = message(1, deployed.now - 60)
    while deployed.take(event).waiting is not None:
        assert len(refused) == 1
    assert len(deployed.reports) == 1
    assert len(deployed.drain()) == MOST_DOCUMENTS  # even if it begins again and again


def test_events_while_every_job_fails_start_one_in_a_quarter_of_an_hour(
    deployed: Deployed,
) -> None:
    began = deployed.now
    for number in range(60):
        outcome = deployed.take(message(number, deployed.now))
        assert outcome.waiting is not None
        deployed.now += 30
        deployed.end("FAILED")
        deployed.now += 30
    hours = (deployed.now - began) / 3600
    assert hours == 1 and len(deployed.jobs) == 4 == len(deployed.reports)


def test_a_job_that_just_started_is_looked_at_in_a_minute(deployed: Deployed) -> None:
    deployed.end_with("FAILED")
    outcome = deployed.take(message(1, deployed.now))
    assert outcome.waiting is not None and outcome.waiting.seconds == WAIT_AFTER_FAILURE_SECONDS
    deployed.now += outcome.waiting.seconds
    outcome = deployed.take(outcome.waiting.message)
    assert len(deployed.jobs) == 2
    assert outcome.waiting is not None and outcome.waiting.seconds == WAIT_SECONDS


def test_an_older_status_of_the_same_job_replaces_nothing(deployed: Deployed) -> None:
    """A second copy may have asked Bedrock before the job ended, and write after."""
    seen_before = Job(dict(deployed.start()))
    deployed.now += 10
    deployed.end("COMPLETE")
    deployed.take()
    Progress(deployed.call, table=deployed.table).note(seen_before)
    assert deployed.item()["status"] == "COMPLETE"


@pytest.mark.parametrize("stopped_at", ["Publish", "SendMessageBatch"])
def test_a_copy_that_falls_behind_takes_nothing_back(deployed: Deployed, stopped_at: str) -> None:
    """Another copy reports a newer job meanwhile: what that has told is not told again."""
    deployed.end_with("COMPLETE", *(f"s3://b/{number}" for number in range(25)))
    call, behind = deployed.call, []

    def stopped(service: str, operation: str, **params: Any) -> dict[str, Any]:
        if operation == stopped_at and not behind:
            behind.append(deployed.now)
            deployed.take()
            deployed.end_with("COMPLETE", "s3://b/1")
            deployed.take()
        return call(service, operation, **params)

    deployed.call = stopped  # type: ignore[method-assign]
    deployed.take()
    assert deployed.item()["reported"] == "JOB1"
    told = len(deployed.reports)
    assert [report.split()[2] for report in deployed.reports].count("JOB1") == 1
    deployed.take()
    assert len(deployed.reports) == told
    late = Progress(call, table=deployed.table).told(Job(deployed.jobs[0]))
    assert late is None, "the newer job's report stands"


@pytest.mark.parametrize("status", ["FAILED", "STOPPED"])
def test_the_item_names_the_newest_job_that_is_over(deployed: Deployed, status: str) -> None:
    """A job that failed or was stopped may have changed the index already."""
    deployed.end_with("COMPLETE")
    deployed.take()
    assert deployed.item()["ended"] == "JOB0" == deployed.item()["last_completed"]
    deployed.end_with(status)
    deployed.start()
    deployed.take()
    item = deployed.item()
    assert (item["ended"], item["last_completed"], item["job"]) == ("JOB1", "JOB0", "JOB2")
    assert seconds_of(item["ended_at"]) > seconds_of(item["completed_at"])


@given(
    st.lists(st.floats(0, 1000, allow_nan=False), max_size=10), st.floats(0, 1000, allow_nan=False)
)
def test_the_newest_of_those_that_wait_stands_for_all(times: list[float], start: float) -> None:
    found = newest_waiting([message(n, t) for n, t in enumerate(times)], completed_start=start)
    waiting = [t for t in times if t + SKEW_SECONDS >= start]
    assert (found is None) == (not waiting)
    if found is not None:
        assert found.sent_at == max(waiting)


def test_only_events_of_sqs_have_messages() -> None:
    assert messages_of({}) == [] == messages_of({"groundwork": {"ingestion": "watch"}})
    record = {
        "messageId": "m", "receiptHandle": "h", "eventSource": "aws:sqs", "eventSourceARN": "a",
        "attributes": {"SentTimestamp": "1800000000123"}, "body": "whatever",
    }  # fmt: skip
    (found,) = messages_of({"Records": [record, {**record, "eventSource": "aws:s3"}]})
    assert found.sent_at == 1800000000.123


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [("1970-01-01T00:01:00Z", 60), ("1970-01-01T00:01:00.9+00:00", 60.9), ("", 0),
     ("1970-01-01T00:01:00.123456Z", 60.123456), ("1970-01-01T00:01:00+00:00", 60)],
)  # fmt: skip
def test_times(moment: str, seconds: float) -> None:
    assert seconds_of(moment) == seconds


def test_numbers_of_a_job() -> None:
    job = Job(
        {"ingestionJobId": "J", "status": "COMPLETE", "statistics": {
            "numberOfDocumentsScanned": 9, "numberOfNewDocumentsIndexed": 3,
            "numberOfModifiedDocumentsIndexed": 2, "numberOfDocumentsFailed": 1}}
    )  # fmt: skip
    assert job.numbers == {
        "documents_scanned": 9, "documents_indexed": 5, "documents_deleted": 0,
        "documents_failed": 1,
    }  # fmt: skip
