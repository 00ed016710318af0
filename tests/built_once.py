"""Something expensive that is built once per test run and shared by the workers of pytest-xdist."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD_SECONDS = 240


def built_once(
    factory: pytest.TempPathFactory,
    name: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
) -> Path:
    """A directory that `python ARGUMENTS DIRECTORY` has filled, by whichever worker came first."""
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    directory = shared / name
    with (shared / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not (directory / "done").exists():
            directory.mkdir(exist_ok=True)
            outcome = subprocess.run(
                [sys.executable, *arguments, str(directory)],
                cwd=REPOSITORY,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
            assert outcome.returncode == 0, outcome.stderr[-4000:]
            (directory / "done").touch()
    return directory
