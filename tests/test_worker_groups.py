"""Groups count in the very run that this is part of: what each test here sees of the others."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.xdist_group("one worker")


@pytest.mark.parametrize("number", range(8))
def test_one_worker_runs_a_group(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    base = tmp_path_factory.getbasetemp()
    seen = (base if worker == "alone" else base.parent) / "one-worker"
    seen.mkdir(exist_ok=True)
    (seen / worker).touch()
    assert [path.name for path in seen.iterdir()] == [worker]
