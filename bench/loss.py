"""Loss matrix: what happens to messages when things go wrong in mid-run.

Each row starts the worker as systemd does against an SQS on loopback, disturbs it while messages
are being worked on, lets a second instance finish, and then compares what the job saw with what was
sent. Nothing may ever be lost. After an announced end (SIGTERM, spot notice, scale-in) nothing may
be processed twice; after SIGKILL only what was not finished may be seen again.

    python -m bench.loss           all rows
    python -m bench.loss --quick   the form that the tests run
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.worker.instance_server import InstanceServer
from tests.worker.sqs_server import Fault, SqsServer
from tests.worker.worker_tree import WorkerTree, worker_environment

if TYPE_CHECKING:
    from worker.message import Message

RECORD = "LOSS_RECORD"
MILLISECONDS = "LOSS_MILLISECONDS"
SLOW_FIRST = "LOSS_SLOW_FIRST_MILLISECONDS"


# --- the job, which the worker processes import from here -----------------------------------------


class RecordingJob:
    """Writes down when it starts and finishes a message, and sleeps between."""

    def __init__(self, *, record: str, seconds: float, slow_first_seconds: float) -> None:
        self._file = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seconds = seconds
        self._slow_first_seconds = slow_first_seconds

    def key(self, body: str) -> str | None:  # noqa: ARG002
        """None: seeing a message twice is what is measured here."""
        return None

    def run(self, message: Message) -> None:
        """Sleep; the first receive of a message may be slower."""
        self._write("S", message.message_id)
        first = message.receive_count == 1
        time.sleep(self._slow_first_seconds if first else self._seconds)
        self._write("F", message.message_id)

    def _write(self, what: str, message_id: str) -> None:
        os.write(self._file, f"{what} {message_id} {time.monotonic()}\n".encode())


def open_job(environ: Mapping[str, str], *, aws: object) -> RecordingJob:  # noqa: ARG001
    """Open the job that the rows use."""
    seconds = float(environ[MILLISECONDS]) / 1000
    slow = environ.get(SLOW_FIRST)
    return RecordingJob(
        record=environ[RECORD],
        seconds=seconds,
        slow_first_seconds=float(slow) / 1000 if slow else seconds,
    )


# --- rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run in progress, for the disturbance to act on."""

    server: SqsServer
    instance: InstanceServer
    tree: WorkerTree


@dataclass(frozen=True, kw_only=True)
class Row:
    """A disturbance and what is allowed after it.

    `disturb` acts once `after` of the messages are deleted; None for rows whose disturbance
    is in `faults` or in the settings. `ends` means that the first instance is gone afterwards.
    """

    name: str
    messages: int
    disturb: Callable[[Run], None] | None = None
    after: float = 0.3
    ends: bool = False
    announced: bool = False
    hook: bool = False
    twice_allowed: bool = False
    faults: Callable[[str, dict[str, Any], int], Fault | None] | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    job_milliseconds: float = 20.0
    slow_first_milliseconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came out. `again` counts messages that were started twice or more."""

    row: Row
    lost: int
    again: int
    again_though_finished: int
    handed_back: int
    dead: int
    seconds_to_end: float
    exit_status: int | None
    hook_completed: bool
    problems: tuple[str, ...]


def rows(*, quick: bool) -> list[Row]:
    """The matrix."""
    many = 300 if quick else 2000
    few = 24 if quick else 200
    # The instance looks for announcements every two seconds; there has to be work left by then.
    announced = 600 if quick else 2000
    return [
        Row(name="SIGTERM", messages=many, disturb=_sigterm, ends=True, announced=True),
        Row(name="SIGKILL", messages=many, disturb=_sigkill, ends=True, twice_allowed=True),
        Row(
            name="spot notice",
            messages=announced,
            job_milliseconds=100.0,
            disturb=_spot,
            after=0.1,
            ends=True,
            announced=True,
            hook=True,
        ),
        Row(
            name="scale-in",
            messages=announced,
            job_milliseconds=100.0,
            disturb=_scale_in,
            after=0.1,
            ends=True,
            announced=True,
            hook=True,
        ),
        Row(name="server errors", messages=many, faults=server_errors, twice_allowed=True),
        Row(
            name="connection cuts",
            messages=many,
            faults=connection_cuts,
            disturb=_cut_all,
            twice_allowed=True,
        ),
        Row(
            name="slow handler, extended",
            messages=few,
            job_milliseconds=3000.0,
            settings={"threads": 24},
        ),
        Row(
            name="slow handler past its longest lease",
            messages=few,
            job_milliseconds=20.0,
            slow_first_milliseconds=4000.0,
            settings={"threads": 24, "max_extension_seconds": 2},
            twice_allowed=True,
        ),
    ]


def _sigterm(run: Run) -> None:
    run.tree.terminate()


def _sigkill(run: Run) -> None:
    run.tree.kill()


def _spot(run: Run) -> None:
    run.instance.announce_spot(120)
    run.tree.wait()


def _scale_in(run: Run) -> None:
    run.instance.announce_scale_in()
    run.tree.wait()


def _cut_all(run: Run) -> None:
    for _ in range(5):
        run.server.cut_connections()
        time.sleep(0.1)


def server_errors(operation: str, _: dict[str, Any], number: int) -> Fault | None:
    """A third of the calls fail: server errors, throttling, failed entries."""
    dice = random.Random(number).random()  # nosec B311
    if dice < 0.15:
        return Fault(status=500, code="InternalFailure")
    if dice < 0.2:
        return Fault(status=503, code="ServiceUnavailable")
    if dice < 0.25:
        return Fault(status=400, code="ThrottlingException")
    if dice < 0.35 and operation != "ReceiveMessage":
        return Fault(fail_entries=frozenset({0, 3}))
    return None


def connection_cuts(operation: str, _: dict[str, Any], number: int) -> Fault | None:
    """A fifth of the connections break, half of them after the server has acted."""
    dice = random.Random(number).random()  # nosec B311
    if dice < 0.1:
        return Fault(cut_before=True)
    if dice < 0.2 and operation != "ReceiveMessage":
        return Fault(cut_after=True)
    if dice < 0.12:
        return Fault(cut_after=True)
    return None


# --- running one row ------------------------------------------------------------------------------


def run_row(row: Row) -> Result:
    """Play one row; every process and server that it starts has ended when it returns."""
    with (
        tempfile.TemporaryDirectory() as directory,
        SqsServer(max_receive_count=50, faults=row.faults) as server,
        InstanceServer() as instance,
    ):
        record = Path(directory) / "record"
        sent = server.send(*(f"message {number}" for number in range(row.messages)))
        environment = _environment(row, server, instance, record)
        with WorkerTree(environment) as tree:
            status, seconds = _disturb(row, Run(server=server, instance=instance, tree=tree))
            handed_back = int(tree.total("MessagesHandedBack"))
            if row.ends:
                instance.items["autoscaling/target-lifecycle-state"] = "InService"
                instance.items.pop("spot/instance-action", None)
                with WorkerTree(environment) as second:
                    _finish(server)
                    second.terminate()
            else:
                _finish(server)
                handed_back = int(tree.total("MessagesHandedBack"))
                tree.terminate()
        return _judge(row, server, instance, sent, record, (status, seconds, handed_back))


def _environment(
    row: Row, server: SqsServer, instance: InstanceServer, record: Path
) -> dict[str, str]:
    settings: dict[str, object] = {
        "job": "bench.loss",
        "threads": 8,
        "vcpus": 2,
        "visibility_timeout_seconds": 2,
        "max_extension_seconds": 60,
        "drain_seconds": 10,
        "lifecycle_hook_name": "drain",
        "auto_scaling_group_name": "fleet",
        "aws_ec2_metadata_disabled": "false",
        "aws_ec2_metadata_service_endpoint": instance.url,
        "aws_endpoint_url_auto_scaling": instance.url,
        **row.settings,
    }
    environment = worker_environment(queue_url=server.queue_url, endpoint=server.url, **settings)
    environment[RECORD] = str(record)
    environment[MILLISECONDS] = str(row.job_milliseconds)
    if row.slow_first_milliseconds is not None:
        environment[SLOW_FIRST] = str(row.slow_first_milliseconds)
    return environment


def _disturb(row: Row, run: Run) -> tuple[int | None, float]:
    if row.disturb is None:
        return None, 0.0
    enough = int(row.messages * row.after)
    run.server.wait_until(lambda: len(run.server.deleted) >= enough, seconds=60)
    begun = time.monotonic()
    row.disturb(run)
    seconds = time.monotonic() - begun
    if row.ends and not run.server.left:
        raise AssertionError(f"{row.name}: nothing was left to do when the instance ended")
    return (run.tree.process.returncode if row.ends else None), seconds


def _finish(server: SqsServer) -> None:
    server.wait_until(lambda: server.left == 0, seconds=120)


def _judge(
    row: Row,
    server: SqsServer,
    instance: InstanceServer,
    sent: list[str],
    record: Path,
    end: tuple[int | None, float, int],
) -> Result:
    status, seconds, handed_back = end
    starts: Counter[str] = Counter()
    finished_at: dict[str, float] = {}
    again_though_finished = 0
    for line in record.read_text().splitlines():
        what, message_id, at = line.split()
        if what == "S":
            starts[message_id] += 1
            again_though_finished += message_id in finished_at
        else:
            finished_at[message_id] = float(at)
    lost = [m for m in sent if m not in finished_at or m not in server.deleted]
    again = sum(count > 1 for count in starts.values())
    problems = []
    if lost:
        problems.append(f"{len(lost)} messages lost")
    if again and not row.twice_allowed:
        problems.append(f"{again} messages processed twice")
    if server.dead:
        problems.append(f"{len(server.dead)} messages in the dead-letter queue")
    if row.announced and status != 0:
        problems.append(f"exit status {status}")
    hook_completed = bool(instance.completed())
    if row.hook and not hook_completed:
        problems.append("the lifecycle hook was not completed")
    # What finished just before SIGKILL may wait for its batch of deletes for 50 ms.
    if row.name == "SIGKILL" and again_though_finished > 20:
        problems.append(f"{again_though_finished} finished messages seen again")
    return Result(
        row=row,
        lost=len(lost),
        again=again,
        again_though_finished=again_though_finished,
        handed_back=handed_back,
        dead=len(server.dead),
        seconds_to_end=seconds,
        exit_status=status,
        hook_completed=hook_completed,
        problems=tuple(problems),
    )


def main() -> int:
    """Print the matrix; status 1 when a rule was broken."""
    quick = "--quick" in sys.argv[1:]
    print(
        f"{'disturbed by':38}{'messages':>9}{'lost':>6}{'twice':>7}{'of them done':>14}"
        f"{'handed back':>13}{'end, s':>8}  verdict"
    )
    broken = 0
    for row in rows(quick=quick):
        result = run_row(row)
        broken += bool(result.problems)
        verdict = "; ".join(result.problems) or "as it should be"
        print(
            f"{row.name:38}{row.messages:>9}{result.lost:>6}{result.again:>7}"
            f"{result.again_though_finished:>14}{result.handed_back:>13}"
            f"{result.seconds_to_end:>8.1f}  {verdict}",
            flush=True,
        )
    return 1 if broken else 0


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    sys.exit(main())
