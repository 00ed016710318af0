"""What npm installed, and a loud word where it has not."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.built_once import REPOSITORY

MODULES = REPOSITORY / "node_modules"
needs_node_modules = pytest.mark.skipif(
    not (MODULES / "eslint").is_dir(),
    reason="NOT TESTED: node_modules is missing; run `make node_modules/.installed`",
)


def node(arguments: Sequence[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", *arguments], cwd=cwd, capture_output=True, text=True, timeout=180, check=False
    )
