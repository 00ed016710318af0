"""Templates, synthesized once per test run and shared by all workers of pytest-xdist."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.synthesis import REPOSITORY, STACKS, VARIANTS, stage_of

Template = dict[str, Any]
SYNTHESIS_SECONDS = 240


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one cloud assembly per variant."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    directory = shared / "assemblies"
    with _locked(shared / "assemblies.lock"):
        if not (directory / "done").exists():
            directory.mkdir(exist_ok=True)
            outcome = subprocess.run(
                [sys.executable, "-m", "tests.stacks.synthesis", str(directory)],
                cwd=REPOSITORY,
                env={**os.environ, "CDK_VALIDATION": "false"},
                capture_output=True,
                text=True,
                timeout=SYNTHESIS_SECONDS,
                check=False,
            )
            assert outcome.returncode == 0, outcome.stderr[-4000:]
            (directory / "done").touch()
    return directory


@pytest.fixture(scope="session")
def templates(assemblies: Path) -> Mapping[str, Mapping[str, Template]]:
    """Variant -> stack -> template. Copy before you change one."""
    return {
        variant: {
            stack: json.loads(
                (
                    assemblies / variant / f"Groundwork-{stage_of(variant)}-{stack}.template.json"
                ).read_text()
            )
            for stack in STACKS
        }
        for variant in VARIANTS
    }
