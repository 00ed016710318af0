"""The real client, in Node, against the deployed API: the scenarios are in the files beside this.

One after the other in one process of pytest: they share a backend, whose faults are everybody's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync_backend import run_node_tests

pytestmark = pytest.mark.xdist_group("appsync")

HERE = Path(__file__).parent
DOZEN = 12


@pytest.mark.parametrize("name", ["cures", "network", "strategies"])
def test_scenarios(described: Path, name: str) -> None:
    run_node_tests(described, HERE / f"{name}.test.mjs")


def test_random_partitions_converge(described: Path) -> None:
    run_node_tests(described, HERE / "convergence.test.mjs", SEEDS=str(DOZEN))


@pytest.mark.slow
def test_many_random_partitions_converge(described: Path) -> None:
    run_node_tests(
        described,
        HERE / "convergence.test.mjs",
        seconds=1800,
        FIRST_SEED=str(DOZEN + 1),
        SEEDS="188",
    )
