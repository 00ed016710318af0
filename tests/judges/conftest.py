"""Judged assemblies, made once per test run and shared by all workers of pytest-xdist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.built_once import built_once
from tests.judges.assembly import Reports, Templates, read_reports, read_templates
from tests.judges.judged_synthesis import JUDGED, SPOILED


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one judged cloud assembly per variant."""
    return built_once(
        tmp_path_factory,
        "judged",
        ["-m", "tests.judges.judged_synthesis"],
        environment={"CDK_VALIDATION": "true"},
    )


@pytest.fixture(scope="session")
def reports(judged: Path) -> Mapping[str, Reports]:
    """Variant -> judge -> its findings."""
    return {variant: read_reports(judged / variant) for variant in (*JUDGED, SPOILED)}


@pytest.fixture(scope="session")
def judged_templates(judged: Path) -> Mapping[str, Templates]:
    """Variant -> stack -> template. Copy before you change one."""
    return {variant: read_templates(judged / variant) for variant in JUDGED}
