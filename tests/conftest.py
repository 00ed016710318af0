"""The interpreter's own tools first on the path, and what several directories of tests share.

Whoever uses `appsync_aws` is marked with `xdist_group("appsync")`: the faults that tests make there
are everybody's, and one engine with one deployed stack serves them all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.session import LocalAws
from tests import sync_backend, worker_groups

TOOLS = str(Path(sys.executable).parent)
if TOOLS not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([TOOLS, os.environ.get("PATH", "")])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Groups that count."""
    return worker_groups.scheduler(config, log)


@pytest.fixture(scope="session")
def appsync_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An engine that is up."""
    with LocalAws(state=tmp_path_factory.mktemp("appsync") / "state") as running:
        yield running


@pytest.fixture(scope="session")
def offline_outputs(appsync_aws: LocalAws) -> dict[str, str]:
    """The outputs of the offline stack, deployed by the real CDK."""
    return sync_backend.deploy(appsync_aws)


@pytest.fixture(scope="session")
def described(
    appsync_aws: LocalAws,
    offline_outputs: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """What tests in Node are told of the offline stack."""
    return sync_backend.described(appsync_aws, tmp_path_factory.mktemp("sync"))
