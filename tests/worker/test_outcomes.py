"""What becomes of a message: done, rejected, retried, failed, by what the queue sees afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.in_process import InProcess
from tests.worker.sqs_server import SqsServer
from worker.backoff import backoff_seconds
from worker.message import Message
from worker.outcomes import Reject, Retry

Consume = Callable[..., InProcess]


class UnprintableError(Exception):
    """An error whose text cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class BareReject(Reject):
    """A rejection that forgot its reason."""

    def __init__(self) -> None:
        Exception.__init__(self)


def delays(server: SqsServer) -> list[int]:
    """The visibility timeouts that were set."""
    return [
        entry["VisibilityTimeout"]
        for call in server.calls
        if call.operation == "ChangeMessageVisibilityBatch"
        for entry in call.request["Entries"]
    ]


def records(caplog: pytest.LogCaptureFixture, event: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.message == event]


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_rejected_message_reaches_the_dead_letter_queue_with_its_reason_in_the_log(
    server: SqsServer, consume: Consume, caplog: pytest.LogCaptureFixture
) -> None:
    server.max_receive_count = 3
    (message_id,) = server.send("poison")

    def job(_: Message) -> None:
        raise Reject("field `key` is missing; send an S3 event")

    running = consume(job, max_receive_count=3)
    server.wait_until(lambda: len(server.dead) == 1)
    assert [dead.message_id for dead in server.dead] == [message_id]
    assert delays(server) == [0, 0, 0]
    logged = records(caplog, "message rejected")
    assert [record.receive_count for record in logged] == [1, 2, 3]
    assert [record.moves_to_dead_letter_queue for record in logged] == [False, False, True]
    assert {record.reason for record in logged} == {"field `key` is missing; send an S3 event"}
    assert {record.message_id for record in logged} == {message_id}
    assert running.counts() == {"MessagesRejected": 3}


def test_a_retry_comes_back_after_the_delay_that_the_job_fixed(
    server: SqsServer, consume: Consume, caplog: pytest.LogCaptureFixture
) -> None:
    server.send("busy")
    seen: list[int] = []

    def job(message: Message) -> None:
        seen.append(message.receive_count)
        if message.receive_count == 1:
            raise Retry("the service is busy", after_seconds=0.2)

    running = consume(job)
    running.finish()
    assert seen == [1, 2]
    # SQS takes whole seconds; rounded up, because sooner than asked for is too soon.
    assert delays(server) == [1]
    (first, _), (second, _) = [(at, count) for _, count, at in server.receives]
    assert second - first >= 0.9
    (record,) = records(caplog, "message will be tried again")
    assert (record.reason, record.after_seconds) == ("the service is busy", 0.2)
    assert running.counts() == {"MessagesRetried": 1, "MessagesProcessed": 1}


def test_retries_without_a_delay_back_off(server: SqsServer, consume: Consume) -> None:
    server.send(*[f"message {number}" for number in range(20)])

    def job(_: Message) -> None:
        raise Retry("later")

    consume(job, backoff_base_seconds=100, threads=20)
    server.wait_until(lambda: len(delays(server)) == 20)
    assert all(50 <= delay <= 100 for delay in delays(server))
    assert len(set(delays(server))) > 3
    # Together in batches of ten.
    assert server.count("ChangeMessageVisibilityBatch") <= 6


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        SystemExit(1),
        KeyboardInterrupt(),
        GeneratorExit(),
        MemoryError(),
        UnprintableError(),
        BareReject(),
        Retry("soon", after_seconds="soon"),  # type: ignore[arg-type]
        Retry("never", after_seconds=float("nan")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_job_raises_ends_no_thread_and_is_tried_again(
    server: SqsServer, consume: Consume, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[str] = []

    def job(message: Message) -> None:
        if message.body == "bad":
            failed.append(message.message_id)
            raise error

    # More failures than threads: a thread that ended would be missed.
    server.send(*["bad"] * 12)
    running = consume(job, threads=4, backoff_base_seconds=60)
    server.wait_until(lambda: len(delays(server)) == 12)
    assert all(30 <= delay <= 60 for delay in delays(server))
    ids = server.send(*["good"] * 20)
    server.wait_until(lambda: set(ids) <= set(server.deleted))
    assert server.left == 12
    assert running.counts()["MessagesProcessed"] == 20
    assert any(record.exc_info for record in caplog.records)


def test_a_failure_is_logged_with_its_traceback_and_message(
    server: SqsServer, consume: Consume, caplog: pytest.LogCaptureFixture
) -> None:
    (message_id,) = server.send("bad")

    def job(_: Message) -> None:
        raise ValueError("a bug")

    running = consume(job, backoff_base_seconds=60)
    server.wait_until(lambda: len(delays(server)) == 1)
    (record,) = records(caplog, "the job failed")
    assert record.levelno == logging.ERROR
    assert record.message_id == message_id
    assert record.exc_info is not None and str(record.exc_info[1]) == "a bug"
    assert running.counts() == {"MessagesFailed": 1}


def test_infinite_and_negative_delays_are_cut_to_what_sqs_takes(
    server: SqsServer, consume: Consume
) -> None:
    wanted = {"forever": float("inf"), "before": -5.0}

    def job(message: Message) -> None:
        if message.receive_count == 1:
            raise Retry("odd", after_seconds=wanted[message.body])

    server.send("forever", "before")
    consume(job)
    server.wait_until(lambda: len(delays(server)) == 2)
    assert min(delays(server)) == 0
    assert 43_190 <= max(delays(server)) <= 43_200


@given(st.integers(-3, 2000), st.floats(0, 900), st.floats(0, 43_200))
def test_back_off_doubles_with_jitter_up_to_its_cap(receives: int, base: float, cap: float) -> None:
    delay = backoff_seconds(receive_count=receives, base=base, cap=cap)
    longest = min(cap, base * 2.0 ** min(max(receives, 1) - 1, 30))
    assert longest / 2 <= delay <= longest + 1
    assert delay == int(delay)


def test_back_off_spreads_what_failed_together() -> None:
    assert len({backoff_seconds(receive_count=6, base=2, cap=300) for _ in range(200)}) > 20
