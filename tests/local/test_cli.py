"""`python -m local`: what a person at a terminal sees, also when something is in the way."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.cdk import command, needs_bootstrap
from local.engine_parts import ControlError
from local.session import REPOSITORY, LocalAws, LocalAwsError
from local.state_folder import MARK, EngineRecord, StateFolder, StateFolderError

pytestmark = pytest.mark.xdist_group("local-aws")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StateFolder]:
    """A state folder; whatever lives in it in the end is ended."""
    made = StateFolder(tmp_path / "state")
    yield made
    LocalAws(state=made.path).down()


def local(folder: StateFolder, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "AWS_REGION"}
    return subprocess.run(
        [sys.executable, "-m", "local", "--state", str(folder.path), *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def running(folder: StateFolder) -> EngineRecord:
    record = folder.alive()
    assert record is not None
    return record


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_up_status_up_again_and_down(folder: StateFolder) -> None:
    down = local(folder, "status")
    assert (down.returncode, down.stdout.split()[0]) == (1, "down")
    up = local(folder, "up")
    assert up.returncode == 0, up.stderr
    record = running(folder)
    assert record.endpoint.startswith("http://127.0.0.1:")
    assert record.endpoint in up.stdout
    assert "AWS_ENDPOINT_URL=" in up.stdout
    status = local(folder, "status")
    assert status.returncode == 0
    assert "no stacks yet" in status.stdout
    again = local(folder, "up")
    assert (again.returncode, running(folder).pid) == (0, record.pid)
    ended = local(folder, "down")
    assert (ended.returncode, ended.stdout) == (0, "the local AWS is down\n")
    assert gone(record.pid)
    assert local(folder, "down").stdout.startswith("nothing was up")


def test_it_listens_on_loopback_only(folder: StateFolder) -> None:
    local(folder, "up")
    record = running(folder)
    listening = Path(f"/proc/{record.pid}/net/tcp")
    if not listening.exists():
        pytest.skip("no /proc here")
    port = f"{record.port:04X}"
    sockets = [line.split() for line in listening.read_text().splitlines()[1:]]
    addresses = {fields[1] for fields in sockets if fields[3] == "0A"}
    assert f"0100007F:{port}" in addresses
    assert f"00000000:{port}" not in addresses


def test_reset_forgets_everything(folder: StateFolder) -> None:
    local(folder, "up")
    first = running(folder)
    LocalAws(state=folder.path).client("sqs").create_queue(QueueName="forgotten")
    assert local(folder, "reset").returncode == 0
    assert running(folder).pid != first.pid
    assert not LocalAws(state=folder.path).client("sqs").list_queues().get("QueueUrls")


def test_other_options_than_the_running_ones_are_not_ignored(folder: StateFolder) -> None:
    local(folder, "up")
    other = local(folder, "up", "--time-scale", "10")
    assert other.returncode == 1
    assert "time scale 1.0 (wanted 10.0)" in other.stderr
    assert "python -m local reset" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--time-scale", "0"), "time scale 0.0 must be above 0"),
        (("--vcpus", "0"), "vCPUs per instance 0 must be from 1 to 64"),
        (("--port", "70000"), "port 70000 must be from 1 to 65535"),
    ],
)
def test_an_option_out_of_range_is_named(
    folder: StateFolder, arguments: tuple[str, ...], said: str
) -> None:
    outcome = local(folder, "up", *arguments)
    assert outcome.returncode == 1
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_port_that_is_taken_is_said_with_the_remedy(folder: StateFolder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = local(folder, "up", "--port", str(port))
    assert outcome.returncode == 1
    assert f"port {port} on 127.0.0.1 cannot be used" in outcome.stderr
    assert "Leave --port away" in outcome.stderr


def test_a_killed_engine_is_noticed_and_replaced(folder: StateFolder) -> None:
    local(folder, "up")
    first = running(folder)
    os.kill(first.pid, signal.SIGKILL)
    assert gone(first.pid)
    assert local(folder, "status").returncode == 1
    assert local(folder, "up").returncode == 0
    assert running(folder).pid != first.pid


def test_a_stale_record_of_a_process_id_that_is_reused_is_not_believed(
    folder: StateFolder,
) -> None:
    folder.prepare()
    folder.publish(
        EngineRecord(
            pid=os.getpid(),
            endpoint="http://127.0.0.1:9",
            account="000000000000",
            region="eu-west-1",
            time_scale=1,
            vcpus=1,
            started=0,
        )
    )
    assert local(folder, "status").returncode == 1
    assert local(folder, "down").stdout.startswith("nothing was up")
    assert folder.alive() is None


def test_a_folder_with_other_things_in_it_is_left_alone(folder: StateFolder) -> None:
    folder.path.mkdir()
    precious = folder.path / "precious.txt"
    precious.write_text("mine")
    for verb in ("up", "reset"):
        outcome = local(folder, verb)
        assert outcome.returncode == 1
        assert "is not empty and was not made by Groundwork" in outcome.stderr
    assert precious.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(folder: StateFolder) -> None:
    folder.prepare()
    os.chown(folder.path, 12345, -1)
    outcome = local(folder, "up")
    assert outcome.returncode == 1
    assert "belongs to user 12345" in outcome.stderr
    assert "--state or GROUNDWORK_LOCAL" in outcome.stderr


def test_two_engines_live_side_by_side(aws: LocalAws, folder: StateFolder) -> None:
    with LocalAws(state=folder.path) as other:
        assert other.endpoint != aws.endpoint
        other.client("sqs").create_queue(QueueName="only-here")
        with pytest.raises(ClientError, match="NonExistentQueue"):
            aws.client("sqs").get_queue_url(QueueName="only-here")


def test_an_engine_of_a_context_ends_with_a_killed_owner(folder: StateFolder) -> None:
    program = (
        "import sys, time; from local.session import LocalAws\n"
        f"with LocalAws(state={str(folder.path)!r}): print('up', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    record = running(folder)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert gone(record.pid)


def test_asking_an_engine_that_is_down_says_how_to_start_it(folder: StateFolder) -> None:
    with pytest.raises(LocalAwsError, match="python -m local up"):
        LocalAws(state=folder.path).client("sqs")


def test_an_unknown_control_is_named(aws: LocalAws) -> None:
    with pytest.raises(ControlError, match="there is no control 'nonsense'"):
        aws.control("nonsense")


def test_wiping_needs_the_mark(folder: StateFolder) -> None:
    folder.prepare()
    assert folder.known
    (folder.path / MARK).unlink()
    (folder.path / "something").touch()
    assert not folder.known
    with pytest.raises(StateFolderError):
        folder.prepare()


# The command line of the CDK CLI


RECORD = EngineRecord(
    pid=1,
    endpoint="http://127.0.0.1:1",
    account="000000000000",
    region="eu-west-1",
    time_scale=1,
    vcpus=1,
    started=0,
)


def test_a_deploy_asks_nothing_and_keeps_its_output_apart() -> None:
    line = command(RECORD, ("deploy", "--all"), output=Path("/state/cdk.out"))
    assert line == [
        "cdk", "--no-notices", "deploy", "--all", "--output", "/state/cdk.out",
        "--require-approval", "never", "--progress", "events",
    ]  # fmt: skip


def test_what_the_caller_says_wins() -> None:
    line = command(
        RECORD,
        ("deploy", "--require-approval=any-change", "--progress", "bar", "-a", "cdk.out"),
        output=Path("/state/cdk.out"),
    )
    assert "never" not in line
    assert "events" not in line
    assert "--output" not in line


def test_only_commands_that_upload_bootstrap_first() -> None:
    assert needs_bootstrap(("deploy", "--all"))
    assert not needs_bootstrap(("destroy", "--all"))
    assert not needs_bootstrap(())


def test_the_cli_sees_nothing_of_the_callers_account(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "123456789012")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com")
    environment = aws.environment()
    absent = {"AWS_PROFILE", "AWS_SESSION_TOKEN", "CDK_DEFAULT_ACCOUNT", "HTTPS_PROXY"}
    assert not absent & set(environment)
    assert environment["AWS_ENDPOINT_URL"] == aws.endpoint


def test_a_context_leaves_an_engine_alone_that_was_up_before(folder: StateFolder) -> None:
    local(folder, "up")
    record = running(folder)
    with LocalAws(state=folder.path) as aws:
        assert aws.record() == record
    assert folder.alive() == record


def test_down_does_not_wait_for_long_polls_and_logs_nothing(folder: StateFolder) -> None:
    aws = LocalAws(state=folder.path)
    aws.up()
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="polled")["QueueUrl"]

    def poll() -> None:
        with contextlib.suppress(BotoCoreError, ClientError):
            sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)

    threading.Thread(target=poll, daemon=True).start()
    time.sleep(0.5)
    start = time.monotonic()
    aws.down()
    assert time.monotonic() - start < 10
    assert folder.log.read_text() == ""
