"""One local AWS for all tests that do not need one of their own.

Whoever uses it is marked with `xdist_group("local-aws")`, so that one engine serves them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.session import LocalAws
from tests.built_once import built_once
from tests.local.small_stack import Stack


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An engine that is up."""
    with LocalAws(state=tmp_path_factory.mktemp("local-aws") / "state") as running:
        yield running


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assemblies that tests/stacks looks at, built once for both."""
    return built_once(
        tmp_path_factory,
        "assemblies",
        ["-m", "tests.stacks.synthesis"],
        environment={"CDK_VALIDATION": "false"},
    )


@pytest.fixture
def stack(aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Named after its test, and gone with it."""
    made = Stack(aws, re.sub(r"\W|_", "-", request.node.name)[:60].rstrip("-"))
    yield made
    made.delete()
