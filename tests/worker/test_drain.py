"""Drain, counted on the server's side: what runs is finished, the rest is given back."""

from __future__ import annotations

import threading
import time

from tests.worker.sample_jobs import Consume, Gate, bodies, nothing
from tests.worker.sqs_server import SqsServer
from worker.message import Message


def test_a_drain_finishes_what_runs_and_gives_back_what_has_not_begun(
    server: SqsServer, consume: Consume
) -> None:
    started: list[str] = []

    def job(message: Message) -> None:
        started.append(message.message_id)
        time.sleep(0.1)

    server.send(*bodies(200))
    running = consume(job, threads=4)
    server.wait_until(lambda: len(server.deleted) >= 20)
    assert running.drain()
    assert set(started) == set(server.deleted)
    assert len(started) == len(set(started))
    assert server.in_flight == 0
    counts = running.counts()
    assert counts["MessagesProcessed"] == len(server.deleted)
    assert counts["MessagesHandedBack"] + len(started) == len(server.receives)
    calls = len(server.calls)
    time.sleep(0.2)
    assert len(server.calls) == calls


def test_a_drain_does_not_wait_for_a_long_poll_beyond_its_deadline(
    server: SqsServer, consume: Consume
) -> None:
    running = consume(nothing, wait_time_seconds=20)
    server.wait_until(lambda: server.count("ReceiveMessage") == 1)
    begun = time.monotonic()
    assert running.drain(1.0) is True
    assert time.monotonic() - begun < 4


def test_a_drain_flushes_deletes_at_once(server: SqsServer, consume: Consume) -> None:
    server.send("one")
    done = threading.Event()
    running = consume(lambda _: done.set())
    assert done.wait(5)
    assert running.drain()
    assert server.left == 0


def test_a_job_that_does_not_end_is_handed_back_before_the_deadline_and_dropped_afterwards(
    server: SqsServer, consume: Consume
) -> None:
    server.send(*bodies(3))
    gate = Gate()
    running = consume(gate, threads=2)
    server.wait_until(lambda: gate.running == 2)
    begun = time.monotonic()
    assert running.drain(1.0) is False
    assert time.monotonic() - begun < 3
    assert server.in_flight == 0
    assert server.left == 3
    # The jobs end after all: somebody else may have the messages now.
    calls = len(server.calls)
    gate.opened.set()
    server.wait_until(lambda: gate.running == 0)
    time.sleep(0.3)
    assert len(server.calls) == calls
    assert running.counts()["MessagesHandedBack"] == 2


def test_a_drain_ends_a_pause_after_errors(server: SqsServer, consume: Consume) -> None:
    server.exists = False
    running = consume(nothing)
    server.wait_until(lambda: server.count("ReceiveMessage") >= 3)
    begun = time.monotonic()
    assert running.drain()
    assert time.monotonic() - begun < 1


def test_messages_that_arrive_during_a_drain_are_given_back(
    server: SqsServer, consume: Consume
) -> None:
    server.latency = 0.3
    server.send(*bodies(10))
    seen: list[str] = []
    running = consume(lambda message: seen.append(message.body))
    server.wait_until(lambda: server.count("ReceiveMessage") == 1)
    assert running.drain()
    assert seen == []
    assert server.in_flight == 0
    assert running.counts()["MessagesHandedBack"] == len(server.receives)
