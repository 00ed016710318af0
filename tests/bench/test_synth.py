"""How synth is measured: the same flags for both apps, all processes counted, failures told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.assembly import REPOSITORY, SynthError
from bench.synth import ratio_of, side_by_side
from bench.synth_apps import AppUnderTest, Cost, one_queue, run


def test_the_small_app_has_the_same_flags_and_nothing_of_ours(tmp_path: Path) -> None:
    app = one_queue(tmp_path)
    ours = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    theirs = json.loads((app.folder / "cdk.json").read_text())["context"]
    assert ours.pop("groundwork")
    assert theirs == ours
    assert len(theirs) > 50


def test_apps_take_turns_and_the_first_round_does_not_count(tmp_path: Path) -> None:
    apps = [AppUnderTest(name=name, folder=tmp_path) for name in ("small", "large")]
    turns: list[str] = []

    def measure(app: AppUnderTest) -> Cost:
        turns.append(app.name)
        cold = 100.0 if len(turns) <= 2 else 0.0
        return Cost(wall=1.0, cpu=cold + (1.0 if app.name == "small" else 1.5))

    costs = side_by_side(apps, rounds=3, measure=measure)
    assert turns == ["small", "large"] * 4
    assert ratio_of(costs) == 1.5


def test_the_cpu_of_grandchildren_counts(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.4: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    cost = run([sys.executable, "-c", child], folder=tmp_path, variables={})
    assert cost.cpu >= 0.4


def test_a_failure_shows_what_was_said_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match=r"(?s)nothing to see.*make synth"):
        run([sys.executable, "-c", "exit('nothing to see')"], folder=tmp_path, variables={})
