"""The ledger: conditional writes against a DynamoDB, by the fast path and by botocore."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.worker.dynamodb_server import TABLE, DynamoDbServer
from tests.worker.in_process import FunctionJob, InProcess, worker_settings
from tests.worker.sqs_server import SqsServer
from worker.aws import AwsError
from worker.doors import AwsDoor
from worker.idempotency import (
    REMEMBER_SECONDS,
    IdempotentJob,
    InProgressError,
    Ledger,
    ledger_call,
    with_ledger,
)
from worker.message import Message
from worker.outcomes import Reject, Retry

LOGGER = logging.getLogger("worker.test")
MESSAGE = Message("body", "m-1", 1, {})
Open = Callable[..., Ledger]


CLIENTS: dict[str, Any] = {}


@pytest.fixture(scope="module")
def running() -> Iterator[DynamoDbServer]:
    with DynamoDbServer() as started:
        yield started


@pytest.fixture
def table(running: DynamoDbServer, monkeypatch: pytest.MonkeyPatch) -> DynamoDbServer:
    monkeypatch.setattr("worker.signed_http.delay_before_retry", lambda _: 0.001)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", running.url)
    running.reset()
    return running


@pytest.fixture(params=["fast", "botocore"])
def open_ledger(
    request: pytest.FixtureRequest,
    table: DynamoDbServer,
    door: AwsDoor,
    monkeypatch: pytest.MonkeyPatch,
) -> Open:
    if request.param == "botocore":
        # One client for the module: to make one takes longer than the rest of a test.
        client = CLIENTS.setdefault("dynamodb", None) or door.client("dynamodb")
        CLIENTS["dynamodb"] = client
        monkeypatch.setattr(door, "client", lambda _: client)
        monkeypatch.setattr(door, "json_api", lambda *_, **__: None)
    return lambda lease=60.0: Ledger(ledger_call(door), table=TABLE, lease=lease)


@pytest.fixture
def ledger(open_ledger: Open) -> Ledger:
    return open_ledger()


# --- claims ---------------------------------------------------------------------------------------


def test_a_claim_is_completed_and_found_completed(table: DynamoDbServer, ledger: Ledger) -> None:
    owner = ledger.claim("key")
    assert owner is not None
    item = table.item("key")
    assert item is not None
    assert (item["status"], item["owner"]) == ("INPROGRESS", owner)
    ledger.complete("key", owner)
    item = table.item("key")
    assert item is not None
    assert item["status"] == "COMPLETED"
    assert abs(int(item["expires_at"]) - time.time() - REMEMBER_SECONDS) < 60
    assert ledger.claim("key") is None


def test_a_claim_in_progress_is_respected_and_says_how_long(ledger: Ledger) -> None:
    assert ledger.claim("key")
    with pytest.raises(InProgressError) as caught:
        ledger.claim("key")
    assert 50 < caught.value.seconds <= 60


def test_the_claim_of_a_dead_worker_ends_with_its_lease(
    table: DynamoDbServer, ledger: Ledger
) -> None:
    first = ledger.claim("key")
    assert first is not None
    table.set("key", "in_progress_until", {"N": str(int(time.time() * 1000) - 1)})
    second = ledger.claim("key")
    assert second and second != first
    # What the first owner does now has no effect.
    for call in (ledger.renew, ledger.complete, ledger.abandon):
        with pytest.raises(AwsError, match="ConditionalCheckFailed"):
            call("key", first)
    item = table.item("key")
    assert item is not None
    assert (item["owner"], item["status"]) == (second, "INPROGRESS")


def test_what_has_expired_counts_as_absent(table: DynamoDbServer, ledger: Ledger) -> None:
    """DynamoDB deletes expired items within days, not at once."""
    owner = ledger.claim("key")
    assert owner is not None
    ledger.complete("key", owner)
    table.set("key", "expires_at", {"N": str(int(time.time()) - 1)})
    assert ledger.claim("key")


def test_an_abandoned_claim_is_free_at_once(table: DynamoDbServer, ledger: Ledger) -> None:
    owner = ledger.claim("key")
    assert owner is not None
    ledger.abandon("key", owner)
    assert table.item("key") is None
    assert ledger.claim("key")


def test_a_renewal_lasts_another_lease(table: DynamoDbServer, ledger: Ledger) -> None:
    owner = ledger.claim("key")
    assert owner is not None
    table.set("key", "in_progress_until", {"N": "1"})
    ledger.renew("key", owner)
    with pytest.raises(InProgressError) as caught:
        ledger.claim("key")
    assert caught.value.seconds > 50


def test_a_claim_whose_answer_was_lost_is_ours(table: DynamoDbServer, door: AwsDoor) -> None:
    """The retry finds what the first attempt wrote."""
    table.faults = lambda operation, number: (
        "lost" if (operation, number) == ("PutItem", 1) else None
    )
    ledger = Ledger(ledger_call(door), table=TABLE, lease=60)
    owner = ledger.claim("key")
    item = table.item("key")
    assert item is not None and item["owner"] == owner
    assert table.calls.count("PutItem") == 2


def test_many_workers_one_owner(open_ledger: Open) -> None:
    owners: list[str | None] = []
    start = threading.Barrier(8)
    ledger = open_ledger()

    def work() -> None:
        start.wait()
        with contextlib.suppress(InProgressError):
            owners.append(ledger.claim("key"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(owners) == 1


# --- a job behind the ledger ----------------------------------------------------------------------


def job_behind(
    ledger: Ledger, run: Callable[[Message], None], *, key: str | None = "key", every: float = 60
) -> IdempotentJob:
    return IdempotentJob(FunctionJob(run, key), ledger, renew_every=every, logger=LOGGER)


def test_the_second_message_with_a_key_is_done_without_running(ledger: Ledger) -> None:
    runs: list[str] = []
    job = job_behind(ledger, lambda message: runs.append(message.message_id))
    job.run(MESSAGE)
    job.run(Message("body", "m-2", 1, {}))
    assert runs == ["m-1"]


def test_messages_without_a_key_run_as_they_are(table: DynamoDbServer, ledger: Ledger) -> None:
    runs: list[str] = []
    job = job_behind(ledger, lambda message: runs.append(message.message_id), key=None)
    job.run(MESSAGE)
    job.run(MESSAGE)
    assert runs == ["m-1", "m-1"]
    assert table.calls == []


def test_while_another_worker_is_at_it_the_message_waits(ledger: Ledger) -> None:
    ledger.claim("key")
    with pytest.raises(Retry) as caught:
        job_behind(ledger, lambda _: None).run(MESSAGE)
    assert caught.value.after_seconds is not None
    assert 50 < caught.value.after_seconds <= 60


@pytest.mark.parametrize(
    "outcome", [Reject("bad"), Retry("later"), ValueError("bug"), SystemExit()]
)
def test_a_job_that_did_not_act_leaves_the_key_free(
    table: DynamoDbServer, ledger: Ledger, outcome: BaseException
) -> None:
    def run(_: Message) -> None:
        raise outcome

    with pytest.raises(type(outcome)):
        job_behind(ledger, run).run(MESSAGE)
    assert table.item("key") is None


def test_a_ledger_that_fails_means_later_not_twice(table: DynamoDbServer, door: AwsDoor) -> None:
    runs: list[str] = []
    table.faults = lambda operation, number: (500, "InternalServerError")
    job = job_behind(
        Ledger(ledger_call(door), table=TABLE, lease=60), lambda m: runs.append(m.message_id)
    )
    with pytest.raises(Retry, match="InternalServerError"):
        job.run(MESSAGE)
    assert runs == []


def test_a_completion_that_fails_is_logged_and_the_message_is_done(
    table: DynamoDbServer, door: AwsDoor, caplog: pytest.LogCaptureFixture
) -> None:
    table.faults = lambda operation, number: (
        (400, "AccessDeniedException") if operation == "UpdateItem" else None
    )
    job_behind(Ledger(ledger_call(door), table=TABLE, lease=60), lambda _: None).run(MESSAGE)
    assert caplog.records[-1].key == "key"


def test_a_claim_is_renewed_while_its_job_runs_and_no_longer(
    table: DynamoDbServer, door: AwsDoor
) -> None:
    ledger = Ledger(ledger_call(door), table=TABLE, lease=2)
    begun = time.monotonic()

    def run(_: Message) -> None:
        while time.monotonic() - begun < 3:
            with pytest.raises(InProgressError):
                ledger.claim("key")
            time.sleep(0.2)

    job_behind(ledger, run, every=0.4).run(MESSAGE)
    assert ledger.claim("key") is None
    renewals = table.calls.count("UpdateItem")
    assert renewals > 2
    time.sleep(1)
    assert table.calls.count("UpdateItem") == renewals


def test_without_a_table_there_is_no_ledger(door: AwsDoor) -> None:
    job = FunctionJob(lambda _: None)
    assert with_ledger(job, settings=worker_settings(), door=door, logger=LOGGER) is job


def test_messages_that_are_delivered_twice_act_once(
    table: DynamoDbServer, server: SqsServer, consume: Callable[..., InProcess], door: AwsDoor
) -> None:
    """A queue that delivers everything twice, and a producer that sends everything twice."""
    acted: list[str] = []
    lock = threading.Lock()

    class Job:
        def key(self, body: str) -> str | None:
            return body

        def run(self, message: Message) -> None:
            time.sleep(0.02)
            with lock:
                acted.append(message.body)

    settings = worker_settings(idempotency_table=TABLE, visibility_timeout_seconds=2)
    job = with_ledger(Job(), settings=settings, door=door, logger=LOGGER)
    names = [f"request {number}" for number in range(40)]
    server.send(*names, *names)
    original = server._take

    def take(most: int, visibility: float) -> list[dict[str, object]]:
        taken = original(most, visibility)
        for entry in taken:
            stored = server._messages[str(entry["MessageId"])]
            if stored.receives == 1:
                server._hide(stored, 0)
        return taken

    server._take = take  # type: ignore[method-assign]
    running = consume(job.run, threads=8)
    running.finish(seconds=20)
    assert sorted(acted) == sorted(names)
