"""What is written down of finished documents, on a DynamoDB, by the fast path and by botocore."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator

import pytest

from jobs.submission import message_of
from tests.worker.dynamodb_server import DynamoDbServer
from tests.worker.in_process import FunctionJob, worker_settings
from worker.doors import AwsDoor
from worker.idempotency import ledger_call
from worker.job_progress import Progress, ReportingJob, item_of, with_progress
from worker.message import Message
from worker.outcomes import Reject, Retry

LOGGER = logging.getLogger("worker.test")
TABLE = "jobs"
BODY = {"job": "j1", "document": "000012", "expires": 1_900_000_000, "key": "a.pdf"}
Run = Callable[[Message], None]
Report = Callable[[Run], ReportingJob]


@pytest.fixture(scope="module")
def running() -> Iterator[DynamoDbServer]:
    with DynamoDbServer() as started:
        yield started


@pytest.fixture
def table(running: DynamoDbServer, monkeypatch: pytest.MonkeyPatch) -> DynamoDbServer:
    monkeypatch.setattr("worker.signed_http.delay_before_retry", lambda _: 0.001)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", running.url)
    running.reset()
    running.create(TABLE, partition="job", sort="document")
    return running


@pytest.fixture(params=["fast", "botocore"])
def report(
    request: pytest.FixtureRequest,
    table: DynamoDbServer,
    door: AwsDoor,
    monkeypatch: pytest.MonkeyPatch,
) -> Report:
    if request.param == "botocore":
        monkeypatch.setattr(door, "json_api", lambda *_, **__: None)
    progress = Progress(ledger_call(door), table=TABLE)
    return lambda run: ReportingJob(FunctionJob(run), progress, logger=LOGGER)


def message(**changes: object) -> Message:
    return Message(json.dumps({**BODY, **changes}), "m-1", 1, {})


def succeed(_: Message) -> None:
    pass


def reject(_: Message) -> None:
    raise Reject("key: not a PDF; send a PDF")


def test_a_finished_document_has_one_item(table: DynamoDbServer, report: Report) -> None:
    job = report(succeed)
    job.run(message())
    job.run(message())
    (item,) = table.items(TABLE)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", item.pop("finished"))
    assert item == {
        "job": "j1",
        "document": "000012",
        "outcome": "done",
        "key": "a.pdf",
        "expires_at": "1900000000",
    }


def test_a_rejected_document_says_why(table: DynamoDbServer, report: Report) -> None:
    with pytest.raises(Reject):
        report(reject).run(message())
    (item,) = table.items(TABLE)
    assert (item["outcome"], item["reason"]) == ("rejected", "key: not a PDF; send a PDF")


def test_a_late_rejection_does_not_undo_done(table: DynamoDbServer, report: Report) -> None:
    report(succeed).run(message())
    with pytest.raises(Reject):
        report(reject).run(message())
    (item,) = table.items(TABLE)
    assert item["outcome"] == "done"
    assert "reason" not in item


def test_what_an_expired_job_left_is_overwritten(table: DynamoDbServer, report: Report) -> None:
    report(succeed).run(message(expires=1_000_000_000))
    with pytest.raises(Reject):
        report(reject).run(message())
    (item,) = table.items(TABLE)
    assert (item["outcome"], item["expires_at"]) == ("rejected", "1900000000")


def test_done_replaces_rejected(table: DynamoDbServer, report: Report) -> None:
    """A document that was corrected and redriven."""
    with pytest.raises(Reject):
        report(reject).run(message())
    report(succeed).run(message())
    (item,) = table.items(TABLE)
    assert item["outcome"] == "done"
    assert "reason" not in item


@pytest.mark.parametrize("outcome", [Retry("later"), ValueError("a bug")])
def test_what_comes_again_is_not_written(
    table: DynamoDbServer, report: Report, outcome: Exception
) -> None:
    def fail(_: Message) -> None:
        raise outcome

    with pytest.raises(type(outcome)):
        report(fail).run(message())
    assert table.items(TABLE) == []


@pytest.mark.parametrize(
    "body",
    [
        'not JSON, although it says "job"',
        '["job"]',
        json.dumps({"key": "a.pdf"}),
        json.dumps({**BODY, "job": ""}),
        json.dumps({**BODY, "job": 7}),
        json.dumps({**BODY, "document": "#job"}),
        json.dumps({**BODY, "document": "12"}),
        json.dumps({**BODY, "expires": "soon"}),
        json.dumps({**BODY, "expires": True}),
        json.dumps({name: value for name, value in BODY.items() if name != "expires"}),
    ],
)
def test_messages_that_name_no_job_run_as_they_are(
    table: DynamoDbServer, report: Report, body: str
) -> None:
    """No message may overwrite the item of a job (`#job`), whoever sent it."""
    seen: list[str] = []
    report(lambda each: seen.append(each.body)).run(Message(body, "m-1", 1, {}))
    assert seen == [body]
    assert table.items(TABLE) == []
    assert "PutItem" not in table.calls


def test_a_table_that_is_busy_brings_the_message_back(
    table: DynamoDbServer, report: Report
) -> None:
    table.faults = lambda *_: (400, "ProvisionedThroughputExceededException")
    with pytest.raises(Retry, match="progress of the job"):
        report(succeed).run(message())
    table.faults = None
    report(succeed).run(message())
    assert len(table.items(TABLE)) == 1


def test_a_table_that_refuses_for_good_does_not_stop_the_work(
    table: DynamoDbServer, report: Report, caplog: pytest.LogCaptureFixture
) -> None:
    table.faults = lambda *_: (400, "AccessDeniedException")
    with caplog.at_level(logging.WARNING, logger=LOGGER.name):
        report(succeed).run(message())
        with pytest.raises(Reject):
            report(reject).run(message())
    assert {record.message for record in caplog.records} == {
        "progress of a job could not be written"
    }


def test_an_answer_that_is_lost_changes_nothing(table: DynamoDbServer, report: Report) -> None:
    table.faults = lambda _, number: "lost" if number == 1 else None
    report(succeed).run(message())
    assert len(table.items(TABLE)) == 1


def test_a_long_reason_is_cut(table: DynamoDbServer, report: Report) -> None:
    def fail(_: Message) -> None:
        raise Reject("x" * 500_000)  # more than an item may hold

    with pytest.raises(Reject):
        report(fail).run(message())
    (item,) = table.items(TABLE)
    assert len(item["reason"]) == 1000


def test_without_a_table_nothing_is_reported(door: AwsDoor) -> None:
    job = FunctionJob(succeed)
    assert with_progress(job, settings=worker_settings(), door=door, logger=LOGGER) is job
    reporting = with_progress(
        job, settings=worker_settings(jobs_table=TABLE), door=door, logger=LOGGER
    )
    assert isinstance(reporting, ReportingJob)
    assert reporting.key("body") == job.key("body")


def test_the_messages_of_the_api_are_understood() -> None:
    """What lambda_src/jobs sends is what is read here."""
    body = message_of({"key": "b.md"}, job="abc", index=7, expires=1_900_000_000)
    assert item_of(body) == {
        "job": {"S": "abc"},
        "document": {"S": "000007"},
        "expires_at": {"N": "1900000000"},
        "key": {"S": "b.md"},
    }
