"""Our worker and its peers on the same SQS-protocol server: `python -m bench.worker`.

Prints processor time per message, API calls, memory and throughput as medians over interleaved
rounds, with ratios, and whether each figure to reach was reached (docs/benchmarks.md).

    python -m bench.worker           all peers, about eight minutes
    python -m bench.worker --quick   boto3 only, under two minutes
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.sqs_process import ServerError, SqsProcess, make_certificate
from bench.worker_clients import Client, Task, boto3, celery, groundwork, sqs_consumer
from bench.worker_idle import idle_calls
from bench.worker_install import InstallError
from bench.worker_report import (
    OURS,
    Goal,
    idle_goal,
    own_goals,
    processor_goals,
    rate_goals,
    table,
)
from bench.worker_run import Figures, Load, RunError, run

HANDLER_MS = 20.0
LATENCY_MS = 10.0
THREADS = 32
NO_OP_THREADS = {OURS: 8, "celery": THREADS}
# Ours gets more messages: so little time is measured that the kernel's 10 ms ticks would show.
LOADS = {
    OURS: Load(warm=2000, messages=20_000),
    "boto3": Load(warm=1000, messages=4000),
    "sqs-consumer": Load(warm=2000, messages=4000),
    "celery": Load(warm=100, messages=500),
}
SLOW_LOAD = Load(warm=1000, messages=6000)

Maker = Callable[[Task], Client]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Clients side by side. `threads` are the clients' own, by name; one where it is not named."""

    title: str
    rounds: int
    threads: Mapping[str, int]
    handler_ms: float = 0.0
    latency_ms: float = 0.0

    def task(self, name: str) -> Task:
        """What a client has to do."""
        return Task(threads=self.threads.get(name, 1), handler_ms=self.handler_ms)


def play(
    scenario: Scenario, makers: Mapping[str, Maker], *, server: SqsProcess
) -> dict[str, list[Figures]]:
    """Run the clients in turn, round after round; one that fails is left out from then on."""
    print(f"\n{scenario.title}, {scenario.rounds} rounds", flush=True)
    server.set_latency(milliseconds=scenario.latency_ms)
    runs: dict[str, list[Figures]] = {name: [] for name in makers}
    failed: set[str] = set()
    for number in range(scenario.rounds):
        for name in [name for name in makers if name not in failed]:
            task = scenario.task(name)
            load = SLOW_LOAD if scenario.handler_ms else LOADS[name]
            queue = f"{scenario.title.split(',')[0].replace(' ', '-')}-{name}-{number}"
            try:
                figures = run(makers[name](task), task, load, server=server, queue=queue)
            except RunError as error:
                failed.add(name)
                runs[name].clear()
                print(f"  {name} is left out: {error}", flush=True)
            else:
                runs[name].append(figures)
                print(
                    f"  round {number + 1} {name}: {figures.processor:,.1f} CPU s/million, "
                    f"{figures.rate:,.0f} messages/s",
                    flush=True,
                )
    server.set_latency(milliseconds=0)
    print("\n".join(table(runs)), flush=True)
    return runs


def makers(server: SqsProcess, *, quick: bool) -> dict[str, Maker]:
    """The clients that can run here; the others say why not."""
    found: dict[str, Maker] = {OURS: groundwork}
    peers: dict[str, Callable[[], Maker]] = {
        "boto3": boto3,
        "sqs-consumer": sqs_consumer,
        "celery": lambda: celery(server),
    }
    for name, prepare in peers.items():
        if quick and name != "boto3":
            continue
        try:
            found[name] = prepare()
        except (InstallError, subprocess.TimeoutExpired) as error:
            print(f"{name} cannot run here: {error}", flush=True)
    return found


@contextlib.contextmanager
def servers() -> Iterator[tuple[SqsProcess, SqsProcess]]:
    """A server on plain sockets and one with TLS."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SqsProcess() as plain,
        SqsProcess(certificate=make_certificate(Path(folder))) as tls,
    ):
        yield plain, tls


def no_op(plain: SqsProcess, tls: SqsProcess, *, quick: bool) -> list[Goal]:
    """A handler that does nothing: what is left is the client itself."""
    scenario = Scenario(title="no-op handler", rounds=3 if quick else 5, threads=NO_OP_THREADS)
    runs = play(scenario, makers(plain, quick=quick), server=plain)
    goals = processor_goals(runs, title="no-op", most={"boto3": 8, "sqs-consumer": 8, "celery": 40})
    goals += own_goals(runs, title="no-op")
    scenario = Scenario(
        title="no-op handler with TLS", rounds=2 if quick else 3, threads=NO_OP_THREADS
    )
    runs = play(scenario, makers(tls, quick=quick), server=tls)
    return goals + processor_goals(
        runs, title="with TLS", most={"boto3": 6, "sqs-consumer": 6, "celery": 30}
    )


def slow_handler(plain: SqsProcess, *, quick: bool) -> list[Goal]:
    """A handler that waits for another service."""
    title = f"{HANDLER_MS:g} ms handler, {LATENCY_MS:g} ms latency, {THREADS} threads"
    scenario = Scenario(
        title=title,
        rounds=2 if quick else 5,
        threads={OURS: THREADS, "boto3": THREADS},
        handler_ms=HANDLER_MS,
        latency_ms=LATENCY_MS,
    )
    chosen = {
        name: maker
        for name, maker in makers(plain, quick=quick).items()
        if name in (OURS, "boto3", "sqs-consumer")
    }
    runs = play(scenario, chosen, server=plain)
    return rate_goals(runs, title="20 ms handler", peer="boto3") + own_goals(
        runs, title="20 ms handler"
    )


def idle(plain: SqsProcess) -> list[Goal]:
    """Nothing to do."""
    print("\nidle", flush=True)
    tasks = {}
    for name, maker in makers(plain, quick=False).items():
        task = Task(threads=NO_OP_THREADS.get(name, 1))
        tasks[maker(task)] = task
    try:
        calls = idle_calls(tasks, server=plain)
    except RunError as error:
        print(f"  not measured: {error}", flush=True)
        return []
    for name, count in calls.items():
        print(f"{name:<14} {count:.1f} calls in 20 s", flush=True)
    return [idle_goal(calls[OURS])]


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.worker", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="boto3 only, fewer rounds, no idling")
    quick = parser.parse_args(arguments).quick
    if not Path("/proc/self/stat").exists():
        print("bench.worker reads processor times from /proc: run it on Linux", file=sys.stderr)
        return 1
    begun = time.monotonic()
    try:
        with servers() as (plain, tls):
            goals = no_op(plain, tls, quick=quick)
            goals += slow_handler(plain, quick=quick)
            if not quick:
                goals += idle(plain)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    print("\nfigures to reach")
    print("\n".join(str(goal) for goal in goals))
    print(f"{time.monotonic() - begun:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
