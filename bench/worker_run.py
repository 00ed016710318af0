"""One measured run: a client drains a queue, and only what it does after its start counts.

The client is started on an empty queue, drains a first load (imports, connections, a JIT compiler
are warm then), and is measured while it drains a second one. So no client pays for its start, and
all are measured by the same rule.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.sqs_process import SqsProcess
from bench.worker_clients import Client, Task, environment
from bench.worker_process import ClientProcess

WARM_SECONDS = 90.0
DRAIN_SECONDS = 120.0
SETTLE_SECONDS = 0.5


class RunError(Exception):
    """A client did not do its work; the message holds the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Messages that warm a client up, and messages that are measured."""

    warm: int
    messages: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a run cost. `processor` is in seconds per million messages, `calls` per thousand."""

    processor: float
    calls: float
    megabytes: float
    rate: float
    server_processor: float


def run(client: Client, task: Task, load: Load, *, server: SqsProcess, queue: str) -> Figures:
    """Measure a client on a queue of its own. Raises RunError."""
    with start(client, task, server=server, queue=queue) as process:
        drain(server, client, process, queue, load.warm, load.warm, WARM_SECONDS)
        time.sleep(SETTLE_SECONDS)
        before, used_before = server.state(queue), process.processor_seconds()
        total = load.warm + load.messages
        seconds = drain(server, client, process, queue, load.messages, total, DRAIN_SECONDS)
        used = process.processor_seconds() - used_before
        after = server.state(queue)
        calls = sum(after.calls.values()) - sum(before.calls.values())
        if after.received_again:
            raise RunError(f"{client.name} let {after.received_again} messages come again")
        return Figures(
            processor=used / load.messages * 1e6,
            calls=calls / load.messages * 1e3,
            megabytes=process.peak_megabytes(),
            rate=load.messages / seconds,
            server_processor=(after.processor_seconds - before.processor_seconds)
            / load.messages
            * 1e6,
        )


def start(client: Client, task: Task, *, server: SqsProcess, queue: str) -> ClientProcess:
    """Start a client on a queue."""
    settings = {**environment(server, queue, task), **client.environment}
    return ClientProcess(client.command, environment=settings)


def drain(
    server: SqsProcess,
    client: Client,
    process: ClientProcess,
    queue: str,
    count: int,
    deleted: int,
    limit: float,
) -> float:
    """Fill the queue and wait until the client has deleted everything; returns the seconds."""
    template = client.template.replace("{queue}", queue)
    server.fill(queue, template=template, count=count, encode=client.encode)
    begun = time.monotonic()
    while not server.wait(queue, deleted=deleted, seconds=2.0):
        if process.ended or time.monotonic() > begun + limit:
            left = server.state(queue).left
            raise RunError(
                f"{client.name} {'ended' if process.ended else 'was too slow'} with {left} of "
                f"{count} messages left: {process.said()}"
            )
    return time.monotonic() - begun
