"""What a client costs while there is nothing to do: calls on an empty queue.

All clients wait at the same time, each on a queue of its own, for two long polls of 20 s.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from bench.sqs_process import SqsProcess
from bench.worker_clients import Client, Task
from bench.worker_process import ClientProcess
from bench.worker_run import WARM_SECONDS, RunError, start

LONG_POLL_SECONDS = 20.0
LONG_POLLS = 2


def idle_calls(
    clients: Sequence[Client], task: Task, *, server: SqsProcess, long_polls: int = LONG_POLLS
) -> dict[str, float]:
    """Calls in 20 s by client. Raises RunError when one does not start."""
    with contextlib.ExitStack() as stack:
        processes = {
            client.name: stack.enter_context(
                start(client, task, server=server, queue=_queue(client))
            )
            for client in clients
        }
        for client in clients:
            _wait_for_first_call(client, processes[client.name], server)
        before = {client.name: _calls(client, server) for client in clients}
        time.sleep(long_polls * LONG_POLL_SECONDS)
        return {
            client.name: (_calls(client, server) - before[client.name]) / long_polls
            for client in clients
        }


def _queue(client: Client) -> str:
    return f"idle-{client.name}"


def _calls(client: Client, server: SqsProcess) -> int:
    return sum(server.state(_queue(client)).calls.values())


def _wait_for_first_call(client: Client, process: ClientProcess, server: SqsProcess) -> None:
    deadline = time.monotonic() + WARM_SECONDS
    while not server.state(_queue(client)).calls.get("ReceiveMessage"):
        if process.ended or time.monotonic() > deadline:
            raise RunError(f"{client.name} did not start: {process.said()}")
        time.sleep(0.1)
