"""The instance's processes as systemd starts them: real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.worker.instance_server import InstanceServer
from tests.worker.sqs_server import SqsServer
from tests.worker.test_metrics_and_logs import check_emf
from tests.worker.worker_tree import REPOSITORY, WorkerTree, worker_environment

Start = Callable[..., WorkerTree]


@pytest.fixture
def start(server: SqsServer) -> Iterator[Start]:
    with ExitStack() as stack:

        def start_it(**settings: object) -> WorkerTree:
            environment = worker_environment(
                queue_url=server.queue_url, endpoint=server.url, **settings
            )
            return stack.enter_context(WorkerTree(environment))

        yield start_it


@pytest.fixture
def instance() -> Iterator[InstanceServer]:
    with InstanceServer() as running:
        yield running


def on(instance: InstanceServer) -> dict[str, object]:
    """Settings of a worker on an instance of a group."""
    return {
        "lifecycle_hook_name": "drain",
        "auto_scaling_group_name": "fleet",
        "aws_ec2_metadata_disabled": "false",
        "aws_ec2_metadata_service_endpoint": instance.url,
        "aws_endpoint_url_auto_scaling": instance.url,
    }


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def polling(server: SqsServer, processes: int) -> Callable[[], bool]:
    """Every process has its own connection to the queue."""
    return lambda: server.connections >= processes and server.count("ReceiveMessage") >= processes


def test_sigterm_ends_idle_processes_in_order(server: SqsServer, start: Start) -> None:
    tree = start(vcpus=2, auto_scaling_group_name="fleet")
    wait(polling(server, 2))
    children = tree.children()
    assert len(children) == 2
    server.end_polls()
    assert tree.terminate() == 0
    assert not any(is_alive(pid) for pid in children)
    lines = tree.lines()
    assert all("text" not in line for line in lines), lines
    metrics = [line for line in lines if "_aws" in line]
    assert len(metrics) == 3  # one of each worker, one of the instance
    for line in metrics:
        check_emf(line)
    assert metrics[-1]["DrainTimedOut"] == 0
    assert tree.events()[-1] == "drained"
    assert {line["reason"] for line in lines if line.get("event") == "draining"} == {"SIGTERM"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_is_a_drain_as_well(
    server: SqsServer, start: Start, number: int
) -> None:
    """Ctrl-C in a terminal, or KillMode=control-group."""
    server.send(*[f"message {i}" for i in range(60)])
    tree = start(vcpus=2, threads=2, job="worker.jobs.sleep", sleep_ms=100)
    server.wait_until(lambda: len(server.deleted) >= 5)
    for pid in [tree.process.pid, *tree.children()]:
        os.kill(pid, number)
    assert tree.wait() == 0
    assert server.in_flight == 0
    assert all(count == 1 for _, count, _ in server.receives)


def test_a_process_that_dies_is_started_again_a_little_later_each_time(
    server: SqsServer, start: Start
) -> None:
    tree = start(vcpus=2)
    wait(polling(server, 2))
    first, survivor = tree.children()
    for expected in (1, 2):
        os.kill(first, signal.SIGKILL)
        died = time.monotonic()
        wait(lambda known={first, survivor}: set(tree.children()) - known)
        assert time.monotonic() - died > 0.9 * expected
        (first,) = set(tree.children()) - {first, survivor}
        (*_, line) = [x for x in tree.lines() if "started again" in str(x.get("event"))]
        assert (line["restarts"], line["exit_status"]) == (expected, -signal.SIGKILL)
    assert survivor in tree.children()
    server.end_polls()
    assert tree.terminate() == 0
    # The one that was killed is not what this drain is about.
    assert tree.events()[-1] == "drained"


def test_a_process_without_sign_of_life_is_replaced_and_the_group_is_told(
    server: SqsServer, start: Start, instance: InstanceServer
) -> None:
    tree = start(health_timeout_seconds=4, **on(instance))
    wait(polling(server, 1))
    (stuck,) = tree.children()
    os.kill(stuck, signal.SIGSTOP)
    wait(lambda: not is_alive(stuck))
    wait(lambda: tree.children() and tree.children() != [stuck])
    wait(lambda: instance.actions)
    action, form, _ = instance.actions[0]
    assert (action, form["HealthStatus"]) == ("SetInstanceHealth", "Unhealthy")
    assert "a worker process shows no sign of life and is killed" in tree.events()


def test_workers_drain_when_the_main_process_dies(server: SqsServer, start: Start) -> None:
    server.send(*[f"message {i}" for i in range(100)])
    tree = start(vcpus=2, threads=2, job="worker.jobs.sleep", sleep_ms=50)
    server.wait_until(lambda: len(server.deleted) >= 5)
    children = tree.children()
    os.kill(tree.process.pid, signal.SIGKILL)
    wait(lambda: not any(is_alive(pid) for pid in children))
    assert server.in_flight == 0
    assert all(count == 1 for _, count, _ in server.receives)


def test_a_job_that_hangs_is_handed_back_and_the_hook_completed_within_the_deadline(
    server: SqsServer, start: Start, instance: InstanceServer
) -> None:
    server.send("hangs")
    tree = start(
        job="worker.jobs.sleep",
        sleep_ms=600_000,
        drain_seconds=2,
        wait_time_seconds=0,
        **on(instance),
    )
    server.wait_until(lambda: server.in_flight == 1)
    instance.announce_scale_in()
    begun = time.monotonic()
    assert tree.terminate() == 0
    assert time.monotonic() - begun < 8
    assert server.in_flight == 0
    assert tree.total("DrainTimedOut") == 1
    assert tree.total("MessagesHandedBack") == 1
    assert "the drain timed out: messages will be seen again" in tree.events()
    # SIGTERM, but the group waits as well: systemd stops services while an instance shuts down.
    assert len(instance.completed()) == 1


def test_a_spot_notice_shortens_the_drain(
    server: SqsServer, start: Start, instance: InstanceServer
) -> None:
    server.send("hangs")
    tree = start(
        job="worker.jobs.sleep",
        sleep_ms=600_000,
        drain_seconds=600,
        wait_time_seconds=0,
        **on(instance),
    )
    server.wait_until(lambda: server.in_flight == 1)
    instance.announce_spot(13)
    assert tree.wait(seconds=12) == 0
    (line,) = [x for x in tree.lines() if x.get("event") == "draining"]
    assert line["reason"] == "spot interruption"
    assert line["longest_seconds"] <= 3
    assert server.in_flight == 0
    assert len(instance.completed()) == 1


def test_a_group_that_ends_the_instance_later_than_the_drain_gets_its_hook_completed(
    start: Start, instance: InstanceServer
) -> None:
    """After a spot notice the group may wait for a replacement before it ends the instance."""
    instance.refuse_actions = True
    tree = start(wait_time_seconds=0, **on(instance))
    tree.wait_for("worker started")
    instance.announce_spot(120)
    tree.wait_for("Auto Scaling refused a call", seconds=15)
    assert tree.process.poll() is None
    instance.refuse_actions = False
    instance.announce_scale_in()
    assert tree.wait() == 0
    assert len(instance.completed()) == 2


def test_sigterm_ends_the_wait_for_a_group_that_does_not_end_the_instance(
    start: Start, instance: InstanceServer
) -> None:
    instance.refuse_actions = True
    tree = start(wait_time_seconds=0, **on(instance))
    tree.wait_for("worker started")
    instance.announce_spot(120)
    tree.wait_for("Auto Scaling refused a call", seconds=15)
    assert tree.terminate() == 0


def test_sigterm_alone_completes_no_hook(
    server: SqsServer, start: Start, instance: InstanceServer
) -> None:
    """A restart of the service is no end of the instance."""
    tree = start(wait_time_seconds=0, **on(instance))
    wait(polling(server, 1))
    assert tree.terminate() == 0
    assert instance.completed() == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threads": "0", "aws_region": None, "aws_default_region": None},
         ["AWS_REGION is not set", "WORKER_THREADS='0'"]),
        ({"job": "worker.jobs.nothing"}, ["WORKER_JOB='worker.jobs.nothing'", "set it to"]),
        ({"job": "worker.backoff"}, ["has no function open_job"]),
        ({"job": "worker.jobs.sleep", "sleep_ms": "long"}, ["WORKER_SLEEP_MS='long'"]),
        ({"aws_endpoint_url": "ftp://x"}, ["'ftp://x'", "correct it"]),
        ({"aws_ca_bundle": "/nonexistent.pem", "aws_endpoint_url": "https://localhost:1"},
         ["/nonexistent.pem", "AWS_CA_BUNDLE"]),
    ],
)  # fmt: skip
def test_wrong_settings_end_the_instances_program_with_the_remedy_in_the_log(
    start: Start, settings: dict[str, object], words: list[str]
) -> None:
    tree = start(**settings)
    assert tree.wait() == 78
    (first, *_) = [line for line in tree.lines() if line["event"] == "worker cannot start"]
    for word in words:
        assert any(word in problem for problem in first["problems"]), first
    assert not any("traceback" in line for line in tree.lines())


def test_there_are_no_command_line_options() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker", "--help"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "worker_src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 64
    assert "environment variables" in done.stderr


def test_credentials_that_come_late_are_waited_for(
    server: SqsServer, start: Start, instance: InstanceServer
) -> None:
    """An instance profile may be there a little later than the instance."""
    server.send("one")
    tree = start(aws_access_key_id=None, aws_secret_access_key=None, **on(instance))
    tree.wait_for("messages could not be received; trying again", seconds=15)
    instance.grant(token="late", expires_in=7200)
    server.wait_until(lambda: server.left == 0, seconds=15)
    assert server.calls[-1].headers["x-amz-security-token"] == "late"
