"""Where the fast path cannot serve, botocore does the same work, and the log says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from tests.worker.in_process import InProcess, worker_settings
from tests.worker.sqs_server import Fault, SqsServer
from worker.botocore_path import BotocoreSqs
from worker.doors import AwsDoor
from worker.message import Message
from worker.outcomes import Retry
from worker.sqs import Sqs


@pytest.fixture
def proxied(
    server: SqsServer, door: AwsDoor, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Sqs]:
    """The queue behind a proxy: the test's server takes the proxy's part."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://sqs.example.com")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    return lambda visibility_timeout=30: door.sqs(
        queue_url="http://sqs.example.com/000000000000/work",
        visibility_timeout=visibility_timeout,
        wait_time=0,
    )


def test_a_consumer_behind_a_proxy(
    server: SqsServer, proxied: Callable[..., Sqs], caplog: pytest.LogCaptureFixture
) -> None:
    sqs = proxied(visibility_timeout=1)
    assert isinstance(sqs, BotocoreSqs)
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert (record.service, record.reason) == ("sqs", "a proxy is configured for it")
    server.send("slow", "again", *[f"message {number}" for number in range(30)])
    seen: list[str] = []

    def job(message: Message) -> None:
        seen.append(message.body)
        if message.body == "slow":
            time.sleep(2.2)
        if message.body == "again" and message.receive_count == 1:
            raise Retry("later", after_seconds=1)

    settings = worker_settings(threads=8, visibility_timeout_seconds=1, wait_time_seconds=0)
    with InProcess(server, sqs, job, settings) as running:
        running.finish()
        assert running.drain()
    assert len(seen) == 33
    assert server.receive_count("m-1") == 1
    assert server.calls[0].headers["host"] == "sqs.example.com"
    assert sqs.calls == len(server.calls)


def test_partial_failures_and_malformed_answers_are_the_same(
    server: SqsServer, proxied: Callable[..., Sqs]
) -> None:
    sqs = proxied()
    server.send(*[f"message {number}" for number in range(4)])
    found = sqs.receive(10)
    handles = [delivery.receipt_handle for delivery in found]
    server.faults = lambda operation, request, number: Fault(fail_entries=frozenset({1, 3}))
    failed = sqs.delete(handles)
    assert [(failure.entry, failure.ours) for failure in failed] == [(1, False), (3, False)]
    server.faults = None
    assert [f.entry for f in sqs.change_visibility([(handle, 0) for handle in handles])] == [0, 2]
    assert server.in_flight == 0
