"""What a worker costs: API calls, which are the bill, and memory. Counted, not timed."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from tests.worker.sqs_server import SqsServer
from tests.worker.worker_tree import WorkerTree, worker_environment

MOST_CALLS_PER_THOUSAND = 205
MOST_MEGABYTES = 50


def peak_megabytes(pid: int) -> float:
    """The largest resident set that a process ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no VmHWM for {pid}")


@pytest.mark.parametrize(
    ("job", "messages", "settings"),
    [
        ("worker.jobs.noop", 5000, {"threads": 8}),
        ("worker.jobs.sleep", 3000, {"threads": 32, "sleep_ms": 5}),
    ],
)
def test_full_batches_cost_two_calls_for_ten_messages_and_little_memory(
    server: SqsServer, job: str, messages: int, settings: dict[str, object]
) -> None:
    """Quick jobs run in the poller's thread, others in the pool; the bill is the same."""
    server.send(*[f"message {number}" for number in range(messages)])
    environment = worker_environment(
        queue_url=server.queue_url, endpoint=server.url, job=job, **settings
    )
    with WorkerTree(environment) as tree:
        server.wait_until(lambda: server.left == 0, seconds=40)
        calls = Counter(call.operation for call in list(server.calls))
        (child,) = tree.children()
        assert peak_megabytes(child) <= MOST_MEGABYTES
        assert peak_megabytes(tree.process.pid) <= MOST_MEGABYTES
        server.end_polls()
        assert tree.terminate() == 0
        assert tree.total("MessagesProcessed") == messages
        # What the worker reports as its calls is what arrived.
        assert tree.total("ApiCalls") == len(server.calls)
    # The polls that found the queue empty belong to the idle time that follows.
    last = max(at for _, _, at in server.receives)
    empty = sum(c.operation == "ReceiveMessage" and c.at > last for c in server.calls)
    total = sum(calls.values()) - min(empty, 8)
    assert total * 1000 / messages <= MOST_CALLS_PER_THOUSAND, calls


def test_idle_processes_make_one_call_in_twenty_seconds_each(server: SqsServer) -> None:
    environment = worker_environment(
        queue_url=server.queue_url,
        endpoint=server.url,
        wait_time_seconds=20,
        vcpus=2,
        threads=32,
    )
    with WorkerTree(environment) as tree:
        server.wait_until(lambda: len(server.calls) == 2, seconds=15)
        time.sleep(2)
        assert [call.request["WaitTimeSeconds"] for call in server.calls] == [20, 20]
        server.end_polls()
        assert tree.terminate() == 0
