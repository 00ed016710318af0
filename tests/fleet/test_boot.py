"""One instance from power-on to power-off: the real boot process, a program from a real server."""

from __future__ import annotations

import http.server
import io
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
import json, os, pathlib, signal, subprocess, sys, time
home = pathlib.Path(os.environ["HOME"])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def drain(*_):
    (home / "drained").write_text("yes")
    sys.exit(0)
signal.signal(signal.SIGTERM, drain)
(home / "facts").write_text(json.dumps({"env": dict(os.environ), "pids": [os.getpid(), child.pid]}))
print("running", flush=True)
if os.environ.get("FAIL"):
    sys.exit(1)
while True:
    time.sleep(0.05)
"""
SCRIPT = """#!/bin/bash
aws s3 cp s3://assets/abc.zip /opt/groundwork/worker.zip
cat > /etc/groundwork/worker.env <<'GROUNDWORK_ENV'
NAME=from the template
EXTRA
GROUNDWORK_ENV
cat > /etc/systemd/system/worker.service <<'GROUNDWORK_UNIT'
[Service]
EnvironmentFile=/etc/groundwork/worker.env
Environment=PYTHONPATH=/opt/groundwork/app
WorkingDirectory=/opt/groundwork/app
ExecStart=/usr/bin/python3.13 -m program
KillMode=mixed
TimeoutStopSec=10
Restart=always
RestartSec=100ms
RestartPreventExitStatus=0
StandardOutput=append:/var/log/groundwork/worker.log
GROUNDWORK_UNIT
"""


@pytest.fixture
def store() -> Iterator[str]:
    """An S3 with one asset."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("program.py", PROGRAM)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/assets/abc.zip"
            self.send_response(200 if found else 404)
            self.end_headers()
            if found:
                self.wfile.write(content.getvalue())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Instance:
    def __init__(self, folder: Path, endpoint: str, script: str) -> None:
        self.home = folder / "i-1"
        self.home.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.fleet.boot"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            text=True,
            start_new_session=True,
        )
        self.tell(
            json.dumps(
                {
                    "instance_id": "i-1",
                    "directory": str(self.home),
                    "cache": str(folder / "cache"),
                    "endpoint": endpoint,
                    "metadata_endpoint": "http://127.0.0.1:1",
                    "region": "eu-west-1",
                    "vcpus": 2,
                    "user_data": script,
                }
            )
        )

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def report(self, kind: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            content: dict[str, Any] = json.loads(line)
            if content["kind"] == kind:
                return content
        raise AssertionError(f"the instance ended without a report of {kind!r}")

    def facts(self) -> dict[str, Any]:
        self.report("started")
        return dict(eventually(lambda: json.loads((self.home / "facts").read_text())))


def eventually(look: Any, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = look()
            if found:
                return found
        except (OSError, ValueError):
            pass
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() and not zombie(pid) for pid in pids)


def zombie(pid: int) -> bool:
    try:
        return ") Z" in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


@pytest.fixture
def boot(tmp_path: Path, store: str) -> Iterator[Any]:
    started: list[Instance] = []

    def start(script: str = SCRIPT.replace("EXTRA\n", "")) -> Instance:
        started.append(Instance(tmp_path, store, script))
        return started[-1]

    yield start
    for instance in started:
        instance.process.stdin.close()
        instance.process.wait(20)
        instance.process.stdout.close()


def test_the_program_runs_with_the_environment_of_the_user_data(boot: Any) -> None:
    instance = boot()
    environment = instance.facts()["env"]
    assert environment["NAME"] == "from the template"
    assert environment["WORKER_VCPUS"] == "2"
    assert environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == "http://127.0.0.1:1"
    assert environment["PYTHONPATH"].endswith("/cache/abc")
    # Nothing of whoever started the engine gets through.
    assert set(environment) <= {
        *("NAME", "WORKER_VCPUS", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ENDPOINT_URL"),
        *("PATH", "LANG", "HOME", "TMPDIR", "PYTHONNOUSERSITE", "PYTHONPATH", "LC_CTYPE"),
        *("AWS_REGION", "PWD"),
    }


def test_stop_drains_and_leaves_nothing(boot: Any) -> None:
    instance = boot()
    pids = instance.facts()["pids"]
    instance.tell("stop")
    assert instance.process.wait(20) == 0
    assert (instance.home / "drained").read_text() == "yes"
    eventually(lambda: gone(pids))


def test_an_instance_without_its_engine_dies_at_once_with_all_it_started(boot: Any) -> None:
    instance = boot()
    pids = instance.facts()["pids"]
    instance.process.stdin.close()
    instance.process.wait(20)
    eventually(lambda: gone(pids))
    assert not (instance.home / "drained").exists()


def test_a_program_that_fails_is_started_again(boot: Any) -> None:
    instance = boot(SCRIPT.replace("EXTRA", "FAIL=1"))
    assert instance.report("exited")["number"] == 1
    assert instance.report("exited")["number"] == 1
    assert (instance.home / "log" / "worker.log").read_text().startswith("running\n")


def test_an_asset_that_is_not_there_fails_the_set_up(boot: Any) -> None:
    instance = boot(SCRIPT.replace("EXTRA\n", "").replace("abc.zip", "gone.zip"))
    assert instance.report("set-up-failed")["reason"] == "s3://assets/gone.zip: HTTP status 404"
    assert instance.process.wait(20) == 1
