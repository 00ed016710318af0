"""The set-up script, run for real in a scratch directory, with stand-ins for Amazon Linux's tools.

bash, unzipping, bytecode, here-documents and the trap are real; dnf, aws, useradd, systemctl and
the CloudWatch agent's control program record how they are called. Paths of the system are moved
into the scratch directory.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stacks.reading import Template, heredoc, user_data
from tests.stacks.synthesis import VARIANTS

STAND_INS = ("dnf", "aws", "id", "useradd", "systemctl", "shutdown", "sleep", "install")
AGENT = "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
RECORD = """#!/bin/bash
echo "$(basename "$0") $*" >> "{root}/calls"
case "$(basename "$0") $*" in {broken}) exit 1 ;; esac
"""
# `aws s3 cp` brings the program; `install -o` would need the user that is not made here.
SPECIAL = {
    "aws": 'cp "{root}/program.zip" "${{@: -1}}"\n',
    "id": "exit 1\n",
    "install": "args=()\nwhile [ $# -gt 0 ]; do case $1 in -o|-g) shift 2 ;; "
    '*) args+=("$1"); shift ;; esac; done\n'
    'PATH=/usr/bin:/bin command install "${{args[@]}}"\n',
}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A scratch directory in the place of `/`."""

    root: Path
    script: str

    def boot(self, *, broken: str = "-") -> subprocess.CompletedProcess[str]:
        """Run the script; `broken` is a pattern of the call that fails."""
        for name in STAND_INS:
            self._stand_in(self.root / "bin" / name, broken)
        self._stand_in(self.root / AGENT, broken)
        return subprocess.run(
            ["bash", "-c", self.script],
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _stand_in(self, path: Path, broken: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = RECORD + SPECIAL.get(path.name, "")
        path.write_text(text.format(root=self.root, broken=broken))
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return (self.root / "calls").read_text().splitlines()


def resolved(template: Template) -> str:
    """The script as CloudFormation would hand it over, with some value for every reference."""
    return re.sub(r"(?<!<)<[A-Za-z0-9:.-]+>", "sample", user_data(template))


@pytest.fixture
def script(templates) -> str:
    return resolved(templates["dev"]["Fleet"])


@pytest.fixture
def machine(tmp_path: Path, script: str) -> Machine:
    for directory in ("etc/systemd/system", "etc/logrotate.d", "opt/groundwork", "var/log"):
        (tmp_path / directory).mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        archive.writestr("worker/__main__.py", "print('worker')\n")
    moved = re.sub(r"(?<![\w./>])/(etc|opt|var)/", rf"{tmp_path}/\1/", script)
    moved = moved.replace("file:/etc/", f"file:{tmp_path}/etc/")
    moved = moved.replace("/usr/bin/python3.13 -m zip", f"{sys.executable} -m zip")
    moved = moved.replace("/usr/bin/python3.13 -m comp", f"{sys.executable} -m comp")
    return Machine(root=tmp_path, script=moved)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_the_syntax_is_right(templates, variant: str) -> None:
    outcome = subprocess.run(
        ["bash", "-n"],
        input=resolved(templates[variant]["Fleet"]),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_a_boot_installs_and_starts_the_worker(machine: Machine, script: str) -> None:
    outcome = machine.boot()
    assert outcome.returncode == 0, outcome.stderr
    app = machine.root / "opt/groundwork/app"
    assert (app / "worker/__main__.py").is_file()
    (compiled,) = app.rglob("*.pyc")
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"  # by hash, unchecked: PEP 552
    environment = (machine.root / "etc/groundwork/worker.env").read_text()
    assert environment.rstrip("\n") in script
    agent = json.loads((machine.root / "etc/groundwork/cloudwatch-agent.json").read_text())
    (file,) = agent["logs"]["logs_collected"]["files"]["collect_list"]
    assert file["log_stream_name"] == "{instance_id}"
    assert "\n rotate 2\n" in (machine.root / "etc/logrotate.d/groundwork").read_text()
    assert "systemctl enable --now groundwork-worker.service" in machine.calls
    assert not any(call.startswith("shutdown") for call in machine.calls)


def test_the_agent_is_started_before_the_worker(machine: Machine) -> None:
    machine.boot()
    calls = [call.split()[0] for call in machine.calls]
    agent = calls.index("amazon-cloudwatch-agent-ctl")
    assert agent < machine.calls.index("systemctl enable --now groundwork-worker.service")


def test_running_it_again_changes_nothing(machine: Machine) -> None:
    def tree() -> dict[str, bytes]:
        return {
            str(path.relative_to(machine.root)): path.read_bytes()
            for top in ("etc", "opt", "var")
            for path in sorted((machine.root / top).rglob("*"))
            if path.is_file()
        }

    machine.boot()
    first = tree()
    outcome = machine.boot()
    assert outcome.returncode == 0, outcome.stderr
    assert tree() == first


@pytest.mark.parametrize(
    "broken",
    [
        "dnf*",
        "useradd*",
        "aws*",
        "amazon-cloudwatch-agent-ctl*",
        "systemctl?daemon-reload",
        "systemctl?enable*",
        "systemctl?is-active*",
    ],
)
def test_a_step_that_fails_turns_the_instance_off(machine: Machine, broken: str) -> None:
    outcome = machine.boot(broken=broken)
    assert outcome.returncode != 0
    assert "worker set-up failed in line" in outcome.stderr
    assert machine.calls[-1] == "shutdown -h now"


def test_a_worker_that_falls_over_is_seen_within_its_restart_delay(script: str) -> None:
    watched = re.search(r"seq (\d+)\); do sleep 1; systemctl is-active", script)
    delay = re.search(r"RestartSec=(\d+)", script)
    assert watched and delay
    assert int(watched.group(1)) > int(delay.group(1))


def verified(path: Path, unit: str) -> list[str]:
    path.write_text(unit.replace("/usr/bin/python3.13", sys.executable) + "\n")
    outcome = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return [
        line
        for line in outcome.stderr.splitlines()
        if f"{path.name}:" in line and re.search("Unknown|parse|ignoring", line)
    ]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_systemd_accepts_the_unit(tmp_path: Path, script: str) -> None:
    """Only keys and values are looked at: the user and the directories are those of an instance."""
    content = heredoc(script, "/etc/systemd/system/groundwork-worker.service", "GROUNDWORK_UNIT")
    assert verified(tmp_path / "groundwork-worker.service", content) == []
    misspelt = content.replace("KillMode=", "KilMode=")
    assert verified(tmp_path / "groundwork-misspelt.service", misspelt) != []
