"""Deletes: in tens across polls, partial failures, and none left behind by a drain."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.worker.in_process import InProcess
from tests.worker.sqs_server import Fault, SqsServer
from worker import deletes as module
from worker.deletes import Deletes
from worker.delivery import Delivery
from worker.message import Message
from worker.metrics import Metrics
from worker.sqs import FastSqs

Open = Callable[..., FastSqs]


class Parts:
    def __init__(self, server: SqsServer, sqs: FastSqs) -> None:
        self.server, self.sqs, self.metrics = server, sqs, Metrics()
        self.deletes = Deletes(sqs, metrics=self.metrics, logger=logging.getLogger("worker.test"))

    def received(self, count: int) -> list[Delivery]:
        self.server.send(*[f"message {number}" for number in range(count)])
        found: list[Delivery] = []
        while len(found) < count:
            found += self.sqs.receive(10)
        return found

    def batches(self) -> list[int]:
        """The sizes of the batches that were sent."""
        return [
            len(call.request["Entries"])
            for call in self.server.calls
            if call.operation == "DeleteMessageBatch"
        ]

    def lost(self) -> float:
        value, _ = self.metrics.take(api_calls=0)["LeaseLost"]
        assert isinstance(value, int)
        return value


@pytest.fixture
def parts(server: SqsServer, open_sqs: Open, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.1)
    made = Parts(server, open_sqs())
    made.deletes.start()
    yield made


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_tens_are_sent_at_once_and_the_rest_after_a_while(parts: Parts) -> None:
    for delivery in parts.received(23):
        parts.deletes.add([delivery])
    parts.server.wait_until(lambda: parts.server.left == 0)
    assert sorted(parts.batches()) == [3, 10, 10]


def test_messages_of_several_threads_and_polls_share_batches(parts: Parts) -> None:
    found = parts.received(40)

    def add_each(some: list[Delivery]) -> None:
        for delivery in some:
            parts.deletes.add([delivery])

    threads = [
        threading.Thread(target=lambda start=start: add_each(found[start : start + 4]))  # type: ignore[misc]
        for start in range(0, 40, 4)
    ]
    for thread in threads:
        thread.start()
    parts.server.wait_until(lambda: parts.server.left == 0)
    assert parts.batches() == [10, 10, 10, 10]


def test_the_callers_thread_may_send_full_batches(parts: Parts) -> None:
    found = parts.received(25)
    parts.deletes.add(found, send_here=True)
    assert parts.batches() == [10, 10]
    parts.server.wait_until(lambda: parts.server.left == 0)


def test_entries_that_failed_are_sent_again_with_those_of_later_polls(parts: Parts) -> None:
    failing = iter([frozenset({0, 4, 9})])
    parts.server.faults = lambda operation, request, number: (
        Fault(fail_entries=next(failing, frozenset())) if operation.startswith("Delete") else None
    )
    found = parts.received(17)
    parts.deletes.add(found[:10])
    parts.server.wait_until(lambda: parts.batches() == [10])
    failed = [found[index].message.message_id for index in (0, 4, 9)]
    assert set(failed).isdisjoint(parts.server.deleted)
    parts.server.wait_until(lambda: parts.deletes._waiting == parts.deletes._waiting.__class__())
    parts.deletes.add(found[10:])
    parts.server.wait_until(lambda: parts.server.left == 0)
    assert sum(parts.batches()) == 20
    assert parts.deletes.flush(deadline=soon())
    assert parts.lost() == 0


def test_a_batch_that_fails_as_a_whole_is_sent_again(parts: Parts) -> None:
    failures = itertools.count()
    parts.server.faults = lambda operation, request, number: (
        Fault(status=500) if operation.startswith("Delete") and next(failures) < 7 else None
    )
    parts.deletes.add(parts.received(10))
    parts.server.wait_until(lambda: parts.server.left == 0)
    assert parts.deletes.flush(deadline=soon())


def test_an_entry_whose_receipt_handle_is_refused_is_given_up(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    parts.server.faults = lambda operation, request, number: (
        Fault(fail_entries=frozenset({1}), entry_code="ReceiptHandleIsInvalid", sender_fault=True)
        if operation.startswith("Delete")
        else None
    )
    found = parts.received(3)
    parts.deletes.add(found)
    assert parts.deletes.flush(deadline=soon())
    assert sum(parts.batches()) == 3
    (record,) = caplog.records
    assert (record.message_id, record.code) == (
        found[1].message.message_id,
        "ReceiptHandleIsInvalid",
    )
    assert parts.lost() == 1


def test_a_delete_is_not_sent_again_after_the_lease(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    """The message belongs to whoever receives it next."""
    parts.server.faults = lambda operation, request, number: (
        Fault(status=400, code="AccessDenied") if operation.startswith("Delete") else None
    )
    found = parts.received(2)
    for delivery in found:
        delivery.expires_at = time.monotonic() + 0.3
    parts.deletes.add(found)
    assert parts.deletes.flush(deadline=soon())
    assert parts.lost() == 2
    assert [r.code for r in caplog.records if hasattr(r, "code")] == ["LeaseEnded"] * 2
    calls = len(parts.batches())
    time.sleep(0.3)
    assert len(parts.batches()) == calls


@pytest.mark.parametrize(
    "answer",
    [
        {"Failed": [{"Id": "99", "Code": "X"}], "Successful": []},
        {"Failed": [{"Id": "-1", "Code": "X"}], "Successful": []},
        {"Failed": [{"Id": "x"}], "Successful": []},
        {"Failed": [{"Code": "no id"}]},
        {"Failed": 5},
        {"Failed": [None]},
        {"Successful": [5]},
        {},
    ],
)
@pytest.mark.parametrize("here", [True, False])
def test_malformed_answers_count_as_failures(
    parts: Parts, answer: dict[str, Any], here: bool
) -> None:
    original = parts.server._DeleteMessageBatch
    malformed = [answer]
    parts.server._DeleteMessageBatch = lambda request, fault: (  # type: ignore[method-assign]
        malformed.pop() if malformed else original(request, fault)
    )
    found = parts.received(10)
    parts.deletes.add(found[:2], send_here=here)
    parts.server.wait_until(lambda: parts.server.left == 8, seconds=3)
    assert parts.deletes.flush(deadline=soon())
    parts.deletes.add(found[2:], send_here=here)
    assert parts.deletes.flush(deadline=soon())
    assert parts.server.left == 0


def test_entries_that_an_answer_does_not_mention_are_sent_again(parts: Parts) -> None:
    original = parts.server._DeleteMessageBatch

    def forgetful(request: dict[str, Any], fault: Fault) -> dict[str, Any]:
        answer = original(request, fault)
        return {"Successful": [{"Id": "0"}]} if len(request["Entries"]) == 5 else answer

    parts.server._DeleteMessageBatch = forgetful  # type: ignore[method-assign]
    parts.deletes.add(parts.received(5))
    assert parts.deletes.flush(deadline=soon())
    assert parts.batches() == [5, 4]


def test_flush_sends_without_lingering_and_says_when_it_was_not_in_time(parts: Parts) -> None:
    found = parts.received(4)
    parts.deletes.add(found[:2])
    assert parts.deletes.flush(deadline=soon())
    assert parts.server.left == 2
    parts.server.faults = lambda operation, request, number: Fault(status=500)
    parts.deletes.add(found[2:])
    assert parts.deletes.flush(deadline=soon(0.3)) is False


def test_flush_waits_for_a_batch_that_is_under_way(parts: Parts) -> None:
    found = parts.received(10)
    parts.server.latency = 0.3
    parts.deletes.add(found)
    assert parts.deletes.flush(deadline=soon())
    assert parts.server.left == 0


def test_slow_deletes_get_more_senders(parts: Parts) -> None:
    found = parts.received(120)
    parts.server.latency = 0.05
    for delivery in found:
        parts.deletes.add([delivery])
    parts.server.wait_until(lambda: parts.server.left == 0)
    assert 1 < parts.deletes._senders <= module.MOST_SENDERS


def test_a_failed_delete_of_a_consumer_loses_and_repeats_nothing(
    server: SqsServer, consume: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    numbers = itertools.count()
    server.faults = lambda operation, request, number: (
        Fault(fail_entries=frozenset(range(next(numbers) % 4)))
        if operation.startswith("Delete")
        else None
    )
    seen: list[str] = []
    server.send(*[f"message {number}" for number in range(300)])

    def job(message: Message) -> None:
        seen.append(message.message_id)

    running = consume(job, threads=4)
    running.finish()
    assert len(seen) == len(set(seen)) == 300
