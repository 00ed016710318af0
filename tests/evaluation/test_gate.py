"""The gate: recorded data are scored, a missed threshold is named, and the exit status says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.__main__ import main
from evaluation.gate import ThresholdsError, failures, thresholds
from evaluation.golden.golden_set import golden_set
from evaluation.recording import Answered, CacheAsked, Citation, Recording, RecordingError, load
from evaluation.scores import Row

ROW = Row(
    kind="retrieval",
    store="s3_vectors",
    chunking="fixed_size-300",
    variant="SEMANTIC",
    asked=10,
    figures={"recall@5": 0.8},
)


def wanted(bound: object, *, figure: str = "recall@5", variant: str = "SEMANTIC") -> Any:
    return {"retrieval": {variant: {figure: bound}}}


def test_a_kept_threshold_says_nothing() -> None:
    assert not list(failures([ROW], wanted({"at_least": 0.8})))
    assert not list(failures([ROW], wanted({"at_most": 0.8})))


def test_a_missed_threshold_names_figure_value_and_bound() -> None:
    (message,) = failures([ROW], wanted({"at_least": 0.85}))
    assert "retrieval.SEMANTIC.recall@5" in message
    assert "s3_vectors, fixed_size-300" in message
    assert "0.800" in message and "at least 0.85" in message
    (message,) = failures([ROW], wanted({"at_most": 0.1}))
    assert "at most 0.1" in message


def test_a_bounded_figure_that_nobody_measured_is_a_failure() -> None:
    (message,) = failures([ROW], wanted({"at_least": 0}, figure="recall@7"))
    assert "not measured" in message
    (message,) = failures([ROW], wanted({"at_least": 0}, variant="HYBRID"))
    assert "retrieval.HYBRID was not measured" in message


@pytest.mark.parametrize("bound", [0.9, {}, {"atleast": 1}, {"at_least": "1"}])
def test_a_wrong_bound_is_refused_with_its_place(tmp_path: Path, bound: object) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps(wanted(bound)))
    with pytest.raises(ThresholdsError, match=r"retrieval\.SEMANTIC\.recall@5.*at_least"):
        thresholds(path)


def recording() -> Recording:
    questions = golden_set().questions[:4]
    return Recording(
        store="s3_vectors",
        chunking="fixed_size-300",
        model="m",
        where="a test",
        botocore="1",
        retrieved={"SEMANTIC": {each.id: list(each.documents) for each in questions}},
        answers=[
            Answered(
                id=each.id,
                technique="rag",
                answer=each.reference.partition(": ")[2],
                answered=True,
                citations=[Citation(document=each.documents[0], quote="q")],
            )
            for each in questions
        ],
        cache=[CacheAsked(same=True, hit=True), CacheAsked(same=False, hit=False)],
    )


def test_a_recording_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    assert load(recording().save(tmp_path)) == recording()


def test_what_is_recorded_later_is_added(tmp_path: Path) -> None:
    recording().save(tmp_path)
    later = replace(
        recording(),
        retrieved={},
        cache=[],
        answers=[Answered(id="q001", technique="react", answer="a", answered=True)],
    )
    both = later.over(tmp_path)
    assert both.retrieved == recording().retrieved
    assert {each.technique for each in both.answers} == {"rag", "react"}
    assert both.cache == recording().cache


def test_a_recording_of_another_form_is_refused(tmp_path: Path) -> None:
    path = recording().save(tmp_path)
    path.write_text(path.read_text().replace('"form": 1', '"form": 0'))
    with pytest.raises(RecordingError, match="record it again"):
        load(path)


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[..., int]:
    def run(kept: Recording | None, bounds: object) -> int:
        folder = tmp_path / "recorded"
        if kept:
            kept.save(folder)
        file = tmp_path / "thresholds.json"
        file.write_text(json.dumps(bounds))
        options = {"--folder": folder, "--thresholds": file, "--out": tmp_path / "out"}
        return main(["--recorded", *(str(part) for each in options.items() for part in each)])

    return run


def test_the_command_succeeds_and_writes_table_json_and_plot(
    evaluated: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(recording(), wanted({"at_least": 1})) == 0
    assert "s3_vectors, fixed_size-300, SEMANTIC" in capsys.readouterr().out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {row["kind"] for row in results["rows"]} == {"retrieval", "generation", "cache"}
    assert (tmp_path / "out" / "results.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_fails_when_answers_get_worse(
    evaluated: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    good = recording()
    worse = replace(good, retrieved={"SEMANTIC": {id_: ["lambda/Invoke"] for id_ in (
        each.id for each in golden_set().questions[:4])}})  # fmt: skip
    assert evaluated(worse, wanted({"at_least": 0.5})) == 1
    assert "FAILED: retrieval.SEMANTIC.recall@5" in capsys.readouterr().err


def test_the_command_says_when_there_is_nothing_to_score(
    evaluated: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(None, {}) == 2
    assert "--record" in capsys.readouterr().err


def test_what_is_committed_passes_the_committed_gate(tmp_path: Path) -> None:
    assert main(["--recorded", "--out", str(tmp_path)]) == 0
