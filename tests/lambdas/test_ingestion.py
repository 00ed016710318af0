"""Ingestion without AWS: any order of events, jobs, failures and restarts loses nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import AwsError
from ingestion.data_source import DataSource, Job, seconds_of
from ingestion.ingesting import Ingestion
from ingestion.messages import SKEW_SECONDS, Message, messages_of, newest_waiting
from ingestion.progress import Progress
from ingestion.report import Report
from tests.lambdas.scripted_bedrock import SESSION, ParamValidator


def iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + ".000Z"


class Service:
    """The data source as its documentation describes it: one job at a time, which indexes what is
    there when it starts. Calls are checked with the service models.
    """

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.jobs: list[dict[str, Any]] = []
        self.bucket: set[int] = set()
        self.indexed: set[int] = set()
        self.reports = 0

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        model = SESSION.get_service_model(service).operation_model(operation)
        report = ParamValidator().validate(params, model.input_shape).generate_report()
        assert report == "", report
        if operation == "ListIngestionJobs":
            return {"ingestionJobSummaries": self.jobs[::-1]}
        if operation == "StartIngestionJob":
            if self.running:
                raise AwsError("ConflictException", 409, "one at a time", False)
            return {"ingestionJob": self.start()}
        if operation == "GetItem":
            return {"Item": {"reported": {"S": self.reported}}} if self.reported else {}
        if operation == "UpdateItem":
            values = params["ExpressionAttributeValues"]
            if ":reported" in values:
                self.reported = values[":reported"]["S"]
        if operation == "Publish":
            self.reports += 1
        if operation == "GetIngestionJob":
            return {"ingestionJob": {"failureReasons": ["because"]}}
        return {}

    reported = ""

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
            if status == "COMPLETE":
                self.indexed |= job["sees"]

    def ingestion(self) -> Ingestion:
        return Ingestion(
            DataSource(self.call, knowledge_base_id="KB12345678", data_source_id="DS12345678"),
            progress=Progress(self.call, table="progress"),
            report=Report(self.call, topic_arn="arn:aws:sns:r:1:t", queue_url="https://q"),
        )


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
        waiting = self.service.ingestion().take(batch) if batch else None
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
        waiting = service.ingestion().take(batch)
        assert waiting is not None and 60 <= waiting.seconds <= 900
        queue.append(waiting.message)
    assert len(queue) < 10 and len(service.jobs) == 1


def test_a_failure_is_reported_once_and_waited_for_longer() -> None:
    service = Service()
    service.start()
    service.end("FAILED")
    for _ in range(3):
        service.now += 60
        waiting = service.ingestion().take([message(1, service.now)])
        assert waiting is not None
        service.end("COMPLETE")
    assert service.reports == 1


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
