"""Templates, synthesized once per test run and shared by all workers of pytest-xdist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.built_once import built_once
from tests.stacks.knowledge_synthesis import STORES
from tests.stacks.synthesis import STACKS, VARIANTS, stage_of

Template = dict[str, Any]


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one cloud assembly per variant."""
    return built_once(
        tmp_path_factory,
        "assemblies",
        ["-m", "tests.stacks.synthesis"],
        environment={"CDK_VALIDATION": "false"},
    )


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


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Template]:
    """The knowledge stack by variant of its vector store. Copy before you change one."""
    built = built_once(
        tmp_path_factory,
        "stores",
        ["-m", "tests.stacks.knowledge_synthesis"],
        environment={"CDK_VALIDATION": "false"},
    )
    return {
        variant: json.loads(
            (built / variant / "Groundwork-dev-Knowledge.template.json").read_text()
        )
        for variant in STORES
    }
