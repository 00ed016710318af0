"""The rules of worker.lease, one test each, against a queue that keeps time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.worker.in_process import InProcess
from tests.worker.sqs_server import Fault, SqsServer
from worker.delivery import Delivery
from worker.lease import LeaseKeeper
from worker.message import Message
from worker.metrics import Metrics
from worker.outcomes import Reject, Retry
from worker.sqs import FastSqs

Consume = Callable[..., InProcess]
Open = Callable[..., FastSqs]


def bodies(count: int) -> list[str]:
    return [f"message {number}" for number in range(count)]


def changes(server: SqsServer) -> list[list[dict[str, Any]]]:
    """The entries of each batch of changed visibility timeouts."""
    return [
        call.request["Entries"]
        for call in list(server.calls)
        if call.operation == "ChangeMessageVisibilityBatch"
    ]


def failing_changes(fault: Fault) -> Callable[..., Fault | None]:
    return lambda operation, request, number: fault if operation.startswith("Change") else None


def keeper(
    sqs: FastSqs, *, visibility_timeout: int, max_extension: float = 3600
) -> tuple[LeaseKeeper, Metrics]:
    metrics = Metrics()
    leases = LeaseKeeper(
        sqs,
        visibility_timeout=visibility_timeout,
        max_extension=max_extension,
        metrics=metrics,
        logger=logging.getLogger("worker.test"),
    )
    leases.start()
    return leases, metrics


def lost(metrics: Metrics) -> Any:
    return metrics.take(api_calls=0)["LeaseLost"][0]


# --- extending ------------------------------------------------------------------------------------


def test_a_job_longer_than_the_visibility_timeout_is_seen_once(
    server: SqsServer, consume: Consume
) -> None:
    server.send(*bodies(25))
    running = consume(lambda _: time.sleep(2.6), threads=25, visibility_timeout_seconds=1)
    running.finish()
    assert len(server.receives) == 25
    assert running.counts() == {"MessagesProcessed": 25}
    # Twice in a timeout at most, ten in a batch.
    assert all(len(batch) <= 10 for batch in changes(server))
    assert sum(len(batch) for batch in changes(server)) <= 25 * 6
    assert max(len(batch) for batch in changes(server)) == 10


def test_prefetched_messages_are_extended_like_running_ones(
    server: SqsServer, open_sqs: Open
) -> None:
    """Held is held, whether a thread is free for it or not."""
    sqs = open_sqs(visibility_timeout=1)
    leases, _ = keeper(sqs, visibility_timeout=1)
    server.send(*bodies(20))
    waiting = sqs.receive(10) + sqs.receive(10)
    leases.hold(waiting)
    time.sleep(2.2)
    assert server.in_flight == 20
    assert len(server.receives) == 20
    assert all(leases.is_ours(delivery) for delivery in waiting)
    leases.stop()


def test_short_jobs_are_not_extended(server: SqsServer, consume: Consume) -> None:
    server.send(*bodies(100))
    consume(lambda _: time.sleep(0.01), threads=4).finish()
    assert changes(server) == []


def test_extensions_end_at_the_cap_and_the_outcome_is_dropped(
    server: SqsServer, consume: Consume, caplog: pytest.LogCaptureFixture
) -> None:
    server.send("endless")
    ends: list[float] = []

    def job(message: Message) -> None:
        if message.receive_count == 1:
            time.sleep(3.5)
        ends.append(time.monotonic())

    running = consume(job, threads=2, visibility_timeout_seconds=1, max_extension_seconds=2)
    running.finish()
    (_, _, first), (_, _, second) = server.receives
    assert 1.2 < second - first < 3
    server.wait_until(lambda: len(ends) == 2)
    counts = running.counts()
    assert counts["MessagesProcessed"] == 1
    # The first job's end is dropped: it deletes nothing.
    deletes = [call for call in server.calls if call.operation == "DeleteMessageBatch"]
    assert [len(call.request["Entries"]) for call in deletes] == [1]
    server.wait_until(lambda: any("outcome is dropped" in r.message for r in caplog.records))
    (record,) = [r for r in caplog.records if "outcome is dropped" in r.message]
    assert "longest extension" in record.remedy


@pytest.mark.parametrize("outcome", [Retry("x", after_seconds=5), Reject("x"), ValueError("x")])
def test_after_the_lease_is_lost_no_outcome_disturbs_the_new_owner(
    server: SqsServer, consume: Consume, outcome: Exception
) -> None:
    server.send("taken")
    refused = threading.Event()

    def job(message: Message) -> None:
        if message.receive_count == 1:
            refused.wait(5)
            time.sleep(0.2)
            raise outcome

    server.faults = lambda operation, request, number: (
        refused.set()
        or Fault(fail_entries=frozenset({0}), entry_code="InvalidParameterValue", sender_fault=True)  # type: ignore[func-returns-value]
        if operation.startswith("Change")
        else None
    )
    running = consume(job, threads=1, visibility_timeout_seconds=1)
    running.finish()
    # Nothing but the one extension that was refused.
    assert len(changes(server)) == 1
    assert running.counts()["LeaseLost"] == 1


def test_an_extension_that_fails_is_tried_again_while_the_lease_lasts(
    server: SqsServer, consume: Consume, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [2]

    def faults(operation: str, request: object, number: int) -> Fault | None:
        if operation.startswith("Change") and failures[0]:
            failures[0] -= 1
            return Fault(status=400, code="AccessDenied")
        return None

    server.faults = faults
    server.send(*bodies(3))
    running = consume(lambda _: time.sleep(2.5), threads=3, visibility_timeout_seconds=2)
    running.finish()
    assert len(server.receives) == 3
    assert running.counts() == {"MessagesProcessed": 3}
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == [
        "visibility timeouts could not be extended; trying again"
    ]


def test_one_entry_that_is_refused_does_not_concern_the_others(
    server: SqsServer, open_sqs: Open
) -> None:
    sqs = open_sqs(visibility_timeout=1)
    server.send(*bodies(4))
    found = sqs.receive(10)
    server.faults = failing_changes(
        Fault(fail_entries=frozenset({2}), entry_code="InvalidParameterValue", sender_fault=True)
    )
    leases, metrics = keeper(sqs, visibility_timeout=1)
    leases.hold(found)
    server.wait_until(lambda: len(changes(server)) == 1)
    server.wait_until(lambda: found[2].lost)
    assert [delivery.lost for delivery in found] == [False, False, True, False]
    assert leases.finish(found) == [found[0], found[1], found[3]]
    assert lost(metrics) == 1
    leases.stop()


def test_a_message_that_no_thread_could_begin_in_time_is_not_begun(
    server: SqsServer, consume: Consume
) -> None:
    """Whoever received it after the timeout runs it; here it would be the second time."""
    seen: list[str] = []

    def job(message: Message) -> None:
        seen.append(message.body)
        if message.body == "first" and message.receive_count == 1:
            time.sleep(2.5)

    server.faults = failing_changes(Fault(status=400, code="AccessDenied"))
    running = consume(job, threads=1, visibility_timeout_seconds=2)
    running.consumer._room.measured(0.01)  # room for twenty beside the one that runs
    server.send("first")
    server.wait_until(lambda: seen == ["first"])
    server.send(*bodies(5))
    server.wait_until(lambda: len(server.receives) == 6)
    server.wait_until(lambda: server.in_flight == 0 or len(server.receives) > 6)
    server.faults = None
    running.finish()
    assert sorted(seen) == sorted(["first", "first", *bodies(5)])
    assert len(server.receives) == 12


# --- ends of a lease ------------------------------------------------------------------------------


def test_no_extension_is_sent_for_a_message_that_is_done(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs(visibility_timeout=1)
    server.send(*bodies(10))
    found = sqs.receive(10)
    leases, _ = keeper(sqs, visibility_timeout=1)
    leases.hold(found)
    done = leases.finish(found[:9])
    assert done == found[:9]
    server.wait_until(lambda: len(changes(server)) >= 1)
    handles = {entry["ReceiptHandle"] for batch in changes(server) for entry in batch}
    assert handles == {found[9].receipt_handle}
    leases.stop()


def test_an_extension_never_arrives_after_a_back_off(server: SqsServer, open_sqs: Open) -> None:
    """The extension is under way, and slow, when the job asks for a retry in 40 s."""
    sqs = open_sqs(visibility_timeout=2)
    server.send("one")
    (delivery,) = sqs.receive(10)
    leases, _ = keeper(sqs, visibility_timeout=2)
    server.latency = 0.4
    leases.hold([delivery])
    server.wait_until(lambda: len(changes(server)) == 1)
    leases.release(delivery, 40)
    assert leases.flush(deadline=time.monotonic() + 5)
    time.sleep(0.6)
    assert [batch[0]["VisibilityTimeout"] for batch in changes(server)] == [2, 40]
    (message,) = server._messages.values()
    assert message.invisible_until - time.monotonic() > 35
    leases.stop()


def test_what_was_given_back_is_not_ours_any_more(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs()
    server.send("one")
    (delivery,) = sqs.receive(1)
    leases, metrics = keeper(sqs, visibility_timeout=30)
    leases.hold([delivery])
    assert leases.release(delivery, 0) is True
    assert leases.finish([delivery]) == []
    assert leases.release(delivery, 30) is False
    assert leases.flush(deadline=time.monotonic() + 5)
    assert len(changes(server)) == 1
    assert lost(metrics) == 0
    leases.stop()


def test_messages_are_given_back_in_tens(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs()
    server.send(*bodies(25))
    found: list[Delivery] = []
    while len(found) < 25:
        found += sqs.receive(10)
    leases, _ = keeper(sqs, visibility_timeout=30)
    leases.hold(found)
    for delivery in found:
        leases.release(delivery, 0)
    assert leases.flush(deadline=time.monotonic() + 5)
    assert sum(len(batch) for batch in changes(server)) == 25
    assert len(changes(server)) <= 4
    assert server.in_flight == 0
    leases.stop()


def test_entries_that_could_not_be_given_back_are_tried_again(
    server: SqsServer, open_sqs: Open
) -> None:
    faults = [Fault(fail_entries=frozenset({0, 2}))]
    server.faults = lambda operation, request, number: (
        faults.pop() if operation.startswith("Change") and faults else None
    )
    sqs = open_sqs()
    server.send(*bodies(4))
    found = sqs.receive(10)
    leases, _ = keeper(sqs, visibility_timeout=30)
    leases.hold(found)
    for delivery in found:
        leases.release(delivery, 0)
    assert leases.flush(deadline=time.monotonic() + 5)
    assert server.in_flight == 0
    leases.stop()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=400, code="AccessDenied"),
        Fault(fail_entries=frozenset({0})),
        Fault(fail_entries=frozenset({0}), sender_fault=True),
    ],
)
def test_what_cannot_be_given_back_returns_by_itself(
    server: SqsServer, open_sqs: Open, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults = failing_changes(fault)
    sqs = open_sqs(visibility_timeout=1)
    server.send("one")
    (delivery,) = sqs.receive(1)
    leases, _ = keeper(sqs, visibility_timeout=1)
    leases.hold([delivery])
    with caplog.at_level(logging.INFO):
        leases.release(delivery, 0)
        assert leases.flush(deadline=time.monotonic() + 5)
    assert len(changes(server)) < 6
    assert "when its timeout ends" in caplog.text or "when their timeout ends" in caplog.text
    server.wait_until(lambda: server.in_flight == 0, seconds=3)
    leases.stop()


def test_malformed_answers_do_not_end_the_lease_keeper(server: SqsServer, open_sqs: Open) -> None:
    original = server._ChangeMessageVisibilityBatch
    malformed: list[Any] = [{"Failed": [{"Id": "7"}]}, {"Failed": 1}]
    server._ChangeMessageVisibilityBatch = lambda request, fault: (  # type: ignore[method-assign]
        malformed.pop() if malformed else original(request, fault)
    )
    sqs = open_sqs(visibility_timeout=2)
    server.send("one")
    found = sqs.receive(1)
    leases, _ = keeper(sqs, visibility_timeout=2)
    leases.hold(found)
    server.wait_until(lambda: len(changes(server)) >= 3)
    time.sleep(1.5)
    assert server.in_flight == 1
    assert len(server.receives) == 1
    leases.stop()


def test_flush_says_when_it_was_not_in_time(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs()
    server.send("one")
    found = sqs.receive(1)
    leases, _ = keeper(sqs, visibility_timeout=30)
    leases.hold(found)
    server.latency = 0.5
    leases.release(found[0], 0)
    assert leases.flush(deadline=time.monotonic() + 0.2) is False
    assert leases.flush(deadline=time.monotonic() + 5) is True
    leases.stop()
