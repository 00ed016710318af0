"""Installs the peers that the worker is compared with, each in a folder of its own.

They are no dependencies of the project: they live in .cache/bench, with exact versions, and a
folder that is complete is used again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.assembly import REPOSITORY

FOLDER = REPOSITORY / ".cache" / "bench"
INSTALL_SECONDS = 300


class InstallError(Exception):
    """A peer could not be installed; the message holds what pip or npm said."""


def python_packages(name: str, packages: Sequence[str]) -> Path:
    """A virtual environment with the packages; returns its interpreter."""
    folder = FOLDER / name
    interpreter = folder / "bin" / "python"
    if not _complete(folder, packages):
        _start(folder)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(interpreter), "-m", "pip", "install", "--quiet", *packages])
        _finish(folder, packages)
    return interpreter


def node_packages(name: str, packages: Sequence[str]) -> Path:
    """A folder with the packages in node_modules; returns its package.json."""
    folder = FOLDER / name
    description = folder / "package.json"
    if not _complete(folder, packages):
        _start(folder)
        description.write_text('{"private": true}\n')
        npm = ["npm", "install", "--save-exact", "--no-audit", "--no-fund", "--prefix", str(folder)]
        _run([*npm, *packages])
        _finish(folder, packages)
    return description


def tools() -> dict[str, str]:
    """The environment for npm and node: those beside this interpreter come first."""
    beside = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join([beside, os.environ.get("PATH", "")])}


def _complete(folder: Path, packages: Sequence[str]) -> bool:
    mark = folder / ".installed"
    return mark.is_file() and mark.read_text().split() == list(packages)


def _start(folder: Path) -> None:
    print(f"installing {folder.name} into {folder.relative_to(REPOSITORY)}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _finish(folder: Path, packages: Sequence[str]) -> None:
    (folder / ".installed").write_text("\n".join(packages))


def _run(command: Sequence[str]) -> None:
    try:
        result = subprocess.run(
            command,
            env=tools(),
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(str(error)) from error
    if result.returncode:
        raise InstallError(result.stderr.strip()[-500:] or f"{command[0]} failed")
