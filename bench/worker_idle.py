"""What a client costs while there is nothing to do: calls on an empty queue.

All clients wait at the same time, each on a queue of its own, for two long polls of 20 s.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

from bench.sqs_process import SqsProcess
from bench.worker_clients import Client, Task
from bench.worker_process import ClientProcess
from bench.worker_run import WARM_SECONDS, RunError, start

LONG_POLL_SECONDS = 20.0
LONG_POLLS = 2


def idle_calls(
    tasks: Mapping[Client, Task], *, server: SqsProcess, long_polls: int = LONG_POLLS
) -> dict[str, float]:
    """Calls in 20 s by client, each with its task. Raises RunError when one does not start."""
    with contextlib.ExitStack() as stack:
        processes = {
            client: stack.enter_context(start(client, task, server=server, queue=_queue(client)))
            for client, task in tasks.items()
        }
        for client, process in processes.items():
            _wait_for_first_call(client, process, server)
        before = {client: _calls(client, server) for client in tasks}
        time.sleep(long_polls * LONG_POLL_SECONDS)
        return {
            client.name: (_calls(client, server) - before[client]) / long_polls for client in tasks
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
