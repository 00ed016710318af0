"""Polling, back-pressure and hand-over, counted on the server's side."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.worker.in_process import InProcess, worker_settings
from tests.worker.sample_jobs import Consume, Gate, bodies, nothing
from tests.worker.sqs_server import Fault, SqsServer
from worker.message import Message
from worker.room import Room
from worker.sqs import FastSqs


class Overlap:
    """How many receives were under way at the server at once."""

    def __init__(self, server: SqsServer) -> None:
        self._lock = threading.Lock()
        self.now = 0
        self.most = 0
        original = server._ReceiveMessage

        def receive(request: dict[str, Any], fault: Fault) -> dict[str, Any]:
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                return original(request, fault)
            finally:
                with self._lock:
                    self.now -= 1

        server._ReceiveMessage = receive  # type: ignore[method-assign]


# --- receiving ------------------------------------------------------------------------------------


def test_messages_are_received_in_tens_with_long_polls(server: SqsServer, consume: Consume) -> None:
    server.send(*bodies(50))
    running = consume(nothing, threads=16, wait_time_seconds=1)
    running.finish()
    first = len(server.calls)
    server.send(*bodies(50))
    running.finish()
    receives = [call.request for call in server.calls[first:] if "MaxNumber" in str(call.request)]
    assert {request["MaxNumberOfMessages"] for request in receives} == {10}
    assert {request["WaitTimeSeconds"] for request in receives} == {1}
    assert {request["VisibilityTimeout"] for request in receives} == {30}


@pytest.mark.parametrize("threads", [1, 3, 8])
def test_slow_jobs_leave_in_the_queue_what_no_thread_is_free_for(
    server: SqsServer, consume: Consume, threads: int
) -> None:
    """Back-pressure: others may have what this process cannot work on."""
    server.send(*bodies(40))
    gate = Gate()
    consume(gate, threads=threads)
    server.wait_until(lambda: gate.running == threads)
    time.sleep(0.3)
    assert len(server.receives) == threads
    gate.opened.set()


def test_no_more_jobs_at_once_than_threads(server: SqsServer, consume: Consume) -> None:
    server.send(*bodies(300))
    lock, running, most = threading.Lock(), [0], [0]

    def job(_: Message) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.005)
        with lock:
            running[0] -= 1

    consume(job, threads=6).finish()
    assert most[0] <= 6


def test_one_thread_runs_one_message_at_a_time(server: SqsServer, consume: Consume) -> None:
    """Also when the messages are quick enough to run in the poller's thread."""
    server.send(*bodies(200))
    lock = threading.Lock()

    def job(_: Message) -> None:
        assert lock.acquire(blocking=False)
        lock.release()

    running = consume(job, threads=1)
    running.finish()
    assert running.counts()["MessagesProcessed"] == 200


@pytest.mark.parametrize(
    ("seconds", "limit", "chunk"),
    [(10.0, 8, 1), (0.1, 28, 1), (0.001, 28, 2), (1e-6, 28, 10), (0.0, 28, 10)],
)
def test_room_follows_the_measured_time(seconds: float, limit: int, chunk: int) -> None:
    room = Room(threads=8)
    assert room.limit == 8
    room.measured(seconds)
    assert (room.limit, room.chunk) == (limit, chunk)


def test_work_is_small_when_it_is_known_to_be_quick_and_nothing_was_slow_lately() -> None:
    room = Room(threads=8)
    assert not room.is_small(1)
    room.measured(0.0001)
    assert room.is_small(10)
    room.measured(0.001)
    assert room.is_small(1) and not room.is_small(10)
    room.measured(0.5)
    for _ in range(1000):
        room.measured(0.0)
    assert room.mean is not None and room.mean < 1e-6
    assert (room.is_small(1), room.chunk) == (False, 1)
    for _ in range(4000):
        room.measured(0.0)
    assert (room.is_small(10), room.chunk) == (True, 10)


def test_room_is_given_in_batches_and_never_beyond_its_limit() -> None:
    room = Room(threads=4)
    room.measured(0.001)
    assert room.limit == 24
    assert [room.take(), room.take()] == [10, 10]
    taken: list[int] = []
    waiting = threading.Thread(target=lambda: taken.append(room.take()))
    waiting.start()
    room.give_back(5)
    time.sleep(0.05)
    assert taken == []
    room.give_back(1)
    waiting.join(5)
    assert taken == [10]
    room.close()
    assert room.take() == 0


# --- pollers --------------------------------------------------------------------------------------


def test_pollers_grow_while_batches_are_full_and_fall_back_to_one(
    server: SqsServer, consume: Consume
) -> None:
    server.latency = 0.01
    overlap = Overlap(server)
    server.send(*bodies(1500))
    running = consume(lambda _: time.sleep(0.001), threads=32, wait_time_seconds=1)
    running.finish(seconds=20)
    assert overlap.most > 1
    # One empty poll each, and all but one have gone.
    server.wait_until(lambda: running.consumer._pollers == 1 and overlap.now <= 1)
    overlap.most = 0
    begun = server.count("ReceiveMessage")
    server.wait_until(lambda: server.count("ReceiveMessage") >= begun + 2)
    assert overlap.most == 1


def test_an_idle_process_has_one_long_poll_under_way_and_calls_nothing_else(
    server: SqsServer, consume: Consume
) -> None:
    overlap = Overlap(server)
    consume(nothing, threads=32, wait_time_seconds=1)
    server.wait_until(lambda: server.count("ReceiveMessage") == 3)
    begun = [call.at for call in server.calls]
    assert overlap.most == 1
    assert {call.operation for call in server.calls} == {"ReceiveMessage"}
    # Each lasted as long as asked for: the next one begins when it has ended.
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(begun))


def test_a_poll_of_twenty_seconds_is_one_call(server: SqsServer, consume: Consume) -> None:
    running = consume(nothing, wait_time_seconds=20)
    time.sleep(1.5)
    assert [call.request["WaitTimeSeconds"] for call in server.calls] == [20]
    server.send("one")
    running.finish()


# --- inline, chunks and the pool ------------------------------------------------------------------


def test_quick_jobs_run_where_they_arrive_and_slow_ones_in_the_pool(
    server: SqsServer, consume: Consume
) -> None:
    names: list[str] = []
    seconds = [0.0]

    def job(_: Message) -> None:
        names.append(threading.current_thread().name)
        time.sleep(seconds[0])

    server.send(*bodies(300))
    running = consume(job, threads=4)
    running.finish()
    assert names[-1] == "poller"
    seconds[0] = 0.05
    server.send(*bodies(60))
    running.finish()
    assert names[-1].startswith("job-")


def test_a_slow_message_among_quick_ones_does_not_hold_up_the_rest(
    server: SqsServer, consume: Consume
) -> None:
    """A poller that is stuck in one message receives nothing while all threads of the pool idle."""
    opened = threading.Event()

    def job(message: Message) -> None:
        if message.body == "slow":
            opened.wait(20)

    running = consume(job, threads=8)
    try:
        server.send(*bodies(300))
        running.finish()
        # The first one is a surprise.
        server.send("slow")
        server.wait_until(lambda: server.in_flight == 1)
        time.sleep(0.25)
        opened.set()
        running.finish()
        opened.clear()
        for _ in range(3):
            server.send("slow", *bodies(50))
            server.wait_until(lambda: server.left == 1, seconds=5)
            opened.set()
            running.finish()
            opened.clear()
            server.send(*bodies(100))
            running.finish()
    finally:
        opened.set()


# --- errors of the queue --------------------------------------------------------------------------


def test_a_queue_that_disappears_and_comes_back(
    server: SqsServer, consume: Consume, caplog: pytest.LogCaptureFixture
) -> None:
    running = consume(nothing)
    server.exists = False
    with caplog.at_level(logging.WARNING):
        server.wait_until(lambda: server.count("ReceiveMessage") >= 3)
    (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert record.code == "QueueDoesNotExist"
    assert record.queue_url
    # Paused between the attempts, longer each time, and no other call.
    assert server.count("ReceiveMessage") < 10
    server.exists = True
    server.send(*bodies(20))
    running.finish()


def test_throttled_receives_are_paused_and_go_on(
    server: SqsServer, consume: Consume, caplog: pytest.LogCaptureFixture
) -> None:
    server.send(*bodies(20))
    server.faults = lambda operation, request, number: (
        Fault(status=400, code="ThrottlingException") if number <= 4 else None
    )
    with caplog.at_level(logging.WARNING):
        consume(nothing).finish()
    assert [r.code for r in caplog.records if r.levelno == logging.WARNING] == [
        "ThrottlingException"
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"Messages": 5},
        {"Messages": [None]},
        {"Messages": [{"MessageId": "m", "Body": "b"}]},
        {"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Attributes": "x"}]},
        {
            "Messages": [
                {
                    "MessageId": "m",
                    "ReceiptHandle": "r",
                    "Attributes": {"ApproximateReceiveCount": "many"},
                }
            ]
        },
    ],
)
def test_malformed_answers_to_a_receive_are_survived(
    server: SqsServer, consume: Consume, answer: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    original = server._ReceiveMessage
    malformed = [answer, answer]
    server._ReceiveMessage = lambda request, fault: (  # type: ignore[method-assign]
        malformed.pop() if malformed else original(request, fault)
    )
    server.send("one")
    consume(nothing).finish()
    assert "UnexpectedAnswer" in {getattr(record, "code", "") for record in caplog.records}


def test_a_poller_that_fails_unexpectedly_is_replaced_and_keeps_no_room(
    server: SqsServer, open_sqs: Callable[..., FastSqs]
) -> None:
    sqs = open_sqs(wait_time=0)
    original, failures = sqs.receive, [4]

    def receive(most: int) -> Any:
        if failures[0]:
            failures[0] -= 1
            raise RuntimeError("not foreseen")
        return original(most)

    sqs.receive = receive  # type: ignore[method-assign]
    with InProcess(server, sqs, nothing, worker_settings(threads=4, wait_time_seconds=0)) as it:
        server.send(*bodies(30))
        it.finish()
