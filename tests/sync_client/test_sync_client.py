"""The real client, in Node, against the deployed API: the scenarios are in the files beside this.

One after the other in one process of pytest: they share a backend, whose faults are everybody's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from local.demo import offline
from local.demo.report import Report
from local.session import LocalAws
from tests.sync_backend import run_node_tests

pytestmark = pytest.mark.xdist_group("appsync")

HERE = Path(__file__).parent
DOZEN = 12


@pytest.mark.parametrize("name", ["cures", "network", "strategies"])
def test_scenarios(described: Path, name: str) -> None:
    run_node_tests(described, HERE / f"{name}.test.mjs")


def test_random_partitions_converge(described: Path) -> None:
    run_node_tests(described, HERE / "convergence.test.mjs", SEEDS=str(DOZEN))


@pytest.mark.parametrize(("missing", "devices"), [((), "DataStore clients"), (("x",), "plain")])
def test_the_demo_keeps_its_promises_with_and_without_npm(
    described: Path,
    appsync_aws: LocalAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: tuple[str, ...],
    devices: str,
) -> None:
    monkeypatch.setattr(offline, "NEEDED", (*offline.NEEDED, *map(Path, missing)))
    report = Report()
    offline.play(appsync_aws, report)
    assert not report.problems
    assert [name for name, _ in report.figures] == ["two devices, reconnect to converged"]
    assert (
        f"the devices are {'' if missing else 'real Amplify '}{devices}" in capsys.readouterr().out
    )


@pytest.mark.slow
def test_many_random_partitions_converge(described: Path) -> None:
    run_node_tests(
        described,
        HERE / "convergence.test.mjs",
        seconds=1800,
        FIRST_SEED=str(DOZEN + 1),
        SEEDS="188",
    )
