"""The two apps that are synthesized side by side, and how one synth is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.assembly import REPOSITORY, SynthError, environment

ONE_QUEUE = """\
from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs

app = App()
stack = Stack(app, "OneQueue")
sqs.Queue(stack, "Queue", enforce_ssl=True)
app.synth()
"""


@dataclass(frozen=True, kw_only=True)
class AppUnderTest:
    """An app with its cdk.json in a folder."""

    name: str
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one synth: on the wall, and of CPU in all its processes."""

    wall: float
    cpu: float


def groundwork() -> AppUnderTest:
    """This repository."""
    return AppUnderTest(name="groundwork", folder=REPOSITORY)


def one_queue(folder: Path) -> AppUnderTest:
    """Write the smallest Python app there is, with the feature flags of this repository."""
    settings = json.loads((REPOSITORY / "cdk.json").read_text())
    flags = {name: value for name, value in settings["context"].items() if name != "groundwork"}
    (folder / "app.py").write_text(ONE_QUEUE)
    (folder / "cdk.json").write_text(json.dumps({**settings, "context": flags}))
    return AppUnderTest(name="one queue", folder=folder)


def synthesize(app: AppUnderTest, *, validation: bool = False) -> Cost:
    """What `cdk synth --quiet` of the app costs, the way `make synth` calls it."""
    with tempfile.TemporaryDirectory() as output:
        return run(
            [*_cdk(), "synth", "--quiet", "--output", output],
            folder=app.folder,
            variables={"CDK_VALIDATION": str(validation).lower()},
        )


def read_assembly(app: AppUnderTest) -> Cost:
    """What the CLI alone costs: the same, of an app that is synthesized already."""
    with tempfile.TemporaryDirectory() as output:
        run([*_cdk(), "synth", "--quiet", "--output", output], folder=app.folder, variables={})
        command = [*_cdk(), "synth", "--quiet", "--app", output]
        return run(command, folder=app.folder, variables={})


def run(command: list[str], *, folder: Path, variables: Mapping[str, str]) -> Cost:
    """Run to the end; the processes of the whole tree are waited for, so all of them count."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment(), "CDK_DISABLE_CLI_TELEMETRY": "true", **variables},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SynthError(
                f"{' '.join(command)} failed in {folder}:\n"
                f"{said.read().decode(errors='replace').strip()[-2000:]}\nTry `make synth`."
            )
    return Cost(
        wall=time.perf_counter() - started,
        cpu=usage.ru_utime + usage.ru_stime,
    )


def _cdk() -> list[str]:
    return [str(Path(sys.executable).with_name("cdk")), "--no-notices"]
