"""User data and systemd unit, as the stack writes them and as they may be broken."""

from __future__ import annotations

import json
import signal

import pytest

from local.fleet.systemd_unit import UnitError, parse_unit, seconds
from local.fleet.user_data import UserDataError, parse_environment, parse_user_data

LOG = {"file_path": "/var/log/w.log", "log_group_name": "g"}
AGENT = {"logs": {"logs_collected": {"files": {"collect_list": [LOG]}}, "force_flush_interval": 7}}
SCRIPT = """#!/bin/bash
aws s3 cp s3://assets/abc.zip /opt/groundwork/worker.zip
cat > /etc/groundwork/worker.env <<'GROUNDWORK_ENV'
WORKER_QUEUE_URL=http://127.0.0.1/queue?a=b
GROUNDWORK_ENV
cat > /etc/systemd/system/worker.service <<'GROUNDWORK_UNIT'
[Service]
ExecStart=/usr/bin/python3.13 -m worker
GROUNDWORK_UNIT
printf '%s' 'AGENT' > agent.json
""".replace("AGENT", json.dumps(AGENT))
UNIT = """
[Unit]
Description=x
[Service]
# a comment
Environment=A=1 "B=two words"
EnvironmentFile=-/etc/worker.env
ExecStart=/usr/bin/python3.13 -m \\
  worker
KillMode=mixed
TimeoutStopSec=1min 45s
Restart=always
RestartPreventExitStatus=0 SIGTERM
"""


def test_the_parts_are_found() -> None:
    data = parse_user_data(SCRIPT)
    assert (data.bucket, data.key) == ("assets", "abc.zip")
    assert data.environment == {"WORKER_QUEUE_URL": "http://127.0.0.1/queue?a=b"}
    assert parse_unit(data.unit).command == ("/usr/bin/python3.13", "-m", "worker")
    assert (data.shipped[0].log_group, data.shipped[0].log_stream) == ("g", "{instance_id}")
    assert data.flush_seconds == 7


@pytest.mark.parametrize(
    ("missing", "message"),
    [("aws s3 cp", "aws s3 cp"), ("<<'GROUNDWORK_ENV'", "ENV"), ("<<'GROUNDWORK_UNIT'", "UNIT")],
)
def test_a_missing_part_is_named(missing: str, message: str) -> None:
    with pytest.raises(UserDataError, match=message):
        parse_user_data(SCRIPT.replace(missing, "echo"))


def test_environment_files_have_comments_and_quotes() -> None:
    assert parse_environment("# no\n\nA=1\nB='two words'\n") == {"A": "1", "B": "two words"}
    with pytest.raises(UserDataError, match="is not KEY=VALUE"):
        parse_environment("export")


def test_a_unit_is_read_as_systemd_reads_it() -> None:
    unit = parse_unit(UNIT)
    assert unit.command == ("/usr/bin/python3.13", "-m", "worker")
    assert unit.environment == {"A": "1", "B": "two words"}
    assert unit.environment_files == ("/etc/worker.env",)
    assert (unit.kill_mode, unit.stop_seconds) == ("mixed", 105)
    assert unit.kill_signal == signal.SIGTERM
    assert not unit.restarts_after(0)
    assert not unit.restarts_after(-signal.SIGTERM)
    assert unit.restarts_after(1)
    assert unit.restarts_after(-signal.SIGKILL)


@pytest.mark.parametrize(
    ("restart", "restarted"),
    [
        ("no", (False, False, False)),
        ("on-failure", (False, True, True)),
        ("on-abnormal", (False, False, True)),
        ("on-success", (True, False, False)),
    ],
)
def test_restart(restart: str, restarted: tuple[bool, bool, bool]) -> None:
    unit = parse_unit(f"[Service]\nExecStart=/bin/true\nRestart={restart}\n")
    assert tuple(unit.restarts_after(status) for status in (0, 1, -9)) == restarted


@pytest.mark.parametrize(
    "text",
    [
        "[Unit]\n",
        "[Service]\nExecStart=x\nKillMode=all\n",
        "[Service]\nExecStart=x\nRestart=maybe\n",
    ],
)
def test_a_unit_that_cannot_be_played_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        parse_unit(text)


def test_time_spans() -> None:
    assert [seconds(each) for each in ("90", "1min 30s", "500ms", "2h")] == [90, 90, 0.5, 7200]
    with pytest.raises(UnitError, match="time span"):
        seconds("soon")
