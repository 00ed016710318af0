"""The gate: recorded data are scored, a missed threshold is named, and the exit status says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.__main__ import main
from evaluation.compact import quoted
from evaluation.deployment import DeploymentError
from evaluation.fingerprint import fingerprint
from evaluation.gate import ThresholdsError, failures, thresholds
from evaluation.golden.documents import texts
from evaluation.golden.golden_set import golden_set
from evaluation.recorded_files import RecordedFiles
from evaluation.recording import (
    Answered,
    CacheAsked,
    Citation,
    Found,
    Recording,
    RecordingError,
)
from evaluation.report import panels
from evaluation.scores import Row, rows
from evaluation.variants import VARIANTS, chosen_variants

ROW = Row(
    kind="retrieval",
    store="s3_vectors",
    chunking="fixed_size-300",
    variant="SEMANTIC",
    asked=10,
    figures={"recall@5": 0.8},
)


def wanted(bound: object, *, figure: str = "recall@5", name: str = "SEMANTIC") -> Any:
    return {"retrieval": {name: {figure: bound}}}


def missed(bounds: Any, *, complete: bool = True) -> list[str]:
    return list(failures([ROW], bounds, complete=complete))


def test_a_kept_threshold_says_nothing() -> None:
    assert not missed(wanted({"at_least": 0.8}))
    assert not missed(wanted({"at_most": 0.8}))


def test_a_missed_threshold_names_figure_value_and_bound() -> None:
    (message,) = missed(wanted({"at_least": 0.85}))
    assert "retrieval, s3_vectors, fixed_size-300, SEMANTIC: recall@5" in message
    assert "0.800" in message and "at least 0.85" in message
    (message,) = missed(wanted({"at_most": 0.1}))
    assert "at most 0.1" in message


@pytest.mark.parametrize("bound", [{"at_least": 0.1}, {"at_most": 0.9}])
def test_a_figure_that_is_no_number_keeps_no_bound(bound: object) -> None:
    row = replace(ROW, figures={"recall@5": float("nan")})
    (message,) = failures([row], wanted(bound), complete=True)
    assert "recall@5 is nan" in message


def test_a_row_s_own_bounds_count_before_those_of_its_kind() -> None:
    both = wanted({"at_least": 0.9})
    both["retrieval"]["s3_vectors, fixed_size-300, SEMANTIC"] = {"recall@5": {"at_least": 0.7}}
    assert not missed(both)
    both["retrieval"]["s3_vectors, semantic-300, SEMANTIC"] = {"recall@5": {"at_least": 0.7}}
    (message,) = missed(both)
    assert "semantic-300" in message and "not measured" in message


def test_a_bounded_figure_that_nobody_measured_is_a_failure() -> None:
    (message,) = missed(wanted({"at_least": 0.1}, figure="recall@7"))
    assert "not measured" in message
    first, second = missed(wanted({"at_least": 0.1}, name="HYBRID"))
    assert "bounds nothing of it" in first
    assert "retrieval, HYBRID was not measured" in second


def test_what_was_not_asked_of_one_deployment_is_no_failure() -> None:
    bounds = wanted({"at_least": 0.8})
    bounds["generation"] = {"react": {"answered": {"at_least": 1}}}
    assert not missed(bounds, complete=False)


@pytest.mark.parametrize(
    "bound",
    [0.9, {}, {"atleast": 1}, {"at_least": "1"}, {"at_least": 0}, {"at_most": 1},
     {"at_least": float("nan")}],
)  # fmt: skip
def test_a_wrong_bound_is_refused_with_its_place(tmp_path: Path, bound: object) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps(wanted(bound)))
    with pytest.raises(ThresholdsError, match=r"retrieval, SEMANTIC, recall@5.*at_least"):
        thresholds(path)


def recording() -> Recording:
    """Four questions, each answered with the first sentence of its document."""
    questions = golden_set().questions[:4]
    said = {
        each.id: texts()[each.documents[0]].split("\n\n")[1].split(". ")[0] for each in questions
    }
    return Recording(
        store="s3_vectors",
        chunking="fixed_size-300",
        model="m",
        where="a test",
        botocore="1",
        retrieved={
            "SEMANTIC": {
                each.id: Found(ranked=[*each.documents, ""], score=0.5) for each in questions
            }
        },
        answers=[
            Answered(
                id=each.id,
                technique="rag",
                answer=quoted([said[each.id]]),
                answered=True,
                citations=[Citation(document=each.documents[0], quote=said[each.id])],
            )
            for each in questions
        ],
        cache=[
            CacheAsked(same=True, right=True, wrong=False),
            CacheAsked(same=False, right=False, wrong=False),
        ],
    )


def files(folder: Path) -> RecordedFiles:
    return RecordedFiles(folder, golden_set(), texts())


def test_a_recording_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    made = replace(
        recording(),
        answers=[
            *recording().answers,
            Answered(id="u01", technique="rag", answer="No.", answered=False, milliseconds=7,
                     citations=[]),
            Answered(
                id="q009", technique="react", answer="In other words [1].", answered=True,
                stopped=True, citations=[Citation(document="lambda/Invoke", quote="not there")],
            ),
        ],
    )  # fmt: skip
    path = files(tmp_path).keep(made)
    assert files(tmp_path).read(path) == made
    assert "In other words" in path.read_text()
    assert made.answers[0].answer not in path.read_text()


def test_documents_that_do_not_answer_lose_their_names_and_no_figure(tmp_path: Path) -> None:
    first = golden_set().questions[0]
    found = Found(ranked=["lambda/Invoke", *first.documents, "ecr/PutImage"], score=0.25)
    made = replace(recording(), retrieved={"HYBRID": {first.id: found}})
    again = files(tmp_path).read(files(tmp_path).keep(made))
    assert again.retrieved["HYBRID"][first.id].ranked == ["", *first.documents, ""]
    assert list(rows([again], golden_set(), texts())) == list(rows([made], golden_set(), texts()))


def test_a_quote_is_lost_when_its_document_says_something_else(tmp_path: Path) -> None:
    path = files(tmp_path).keep(recording())
    changed = {name: text.replace("ttach", "ccept") for name, text in texts().items()}
    again = RecordedFiles(tmp_path, golden_set(), changed).read(path)
    assert [cited.quote for each in again.answers for cited in each.citations].count("") > 0
    (answers,) = [each for each in rows([again], golden_set(), changed) if each.variant == "rag"]
    assert answers.figures["quotes_found"] < 1


def test_what_is_recorded_later_is_added(tmp_path: Path) -> None:
    files(tmp_path).keep(recording())
    later = replace(
        recording(),
        retrieved={},
        cache=[],
        answers=[Answered(id="q001", technique="react", answer="a", answered=True)],
    )
    both = files(tmp_path).read(files(tmp_path).keep(later))
    assert both.retrieved == recording().retrieved
    assert {each.technique for each in both.answers} == {"rag", "react"}
    assert both.cache == recording().cache


@pytest.mark.parametrize("content", ['{"form": 0}', '{"form": 3}', "{", '{"form": 3, "store": 1}'])
def test_a_file_that_cannot_be_read_is_named_with_the_remedy(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(RecordingError, match=r"a\.json.*record it again"):
        files(tmp_path).read(path)


def test_variants_are_chosen_by_name() -> None:
    assert set(chosen_variants("all")) == set(VARIANTS)
    assert chosen_variants("s3_vectors,semantic") == ("s3_vectors", "semantic")
    with pytest.raises(DeploymentError, match="s3 is none of default, hierarchical"):
        chosen_variants("s3,semantic")


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[..., int]:
    def run(kept: Recording | None, bounds: object) -> int:
        folder = tmp_path / "recorded"
        if kept:
            files(folder).keep(kept)
        file = tmp_path / "thresholds.json"
        file.write_text(json.dumps(bounds))
        options = {"--folder": folder, "--thresholds": file, "--out": tmp_path / "out"}
        return main(["--recorded", *(str(part) for each in options.items() for part in each)])

    return run


BOUNDS = {
    "retrieval": {"SEMANTIC": {"recall@5": {"at_least": 0.5}}},
    "generation": {"rag": {"answered": {"at_least": 1}}},
    "cache": {"semantic": {"false_hit_rate": {"at_most": 0}}},
}


def test_the_command_succeeds_and_writes_table_json_and_plot(
    evaluated: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(recording(), BOUNDS) == 0
    assert "s3_vectors, fixed_size-300, SEMANTIC" in capsys.readouterr().out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {row["kind"] for row in results["rows"]} == {"retrieval", "generation", "cache"}
    assert (tmp_path / "out" / "results.png").read_bytes().startswith(b"\x89PNG")


def test_the_plot_compares_techniques_where_several_were_asked() -> None:
    both = replace(
        recording(),
        chunking="semantic",
        answers=[*recording().answers, replace(recording().answers[0], technique="react")],
    )
    found = panels(list(rows([recording(), both], golden_set(), texts())))
    shown = {panel.title: [row.label for row in panel.rows] for panel in found}
    assert shown["answers, technique by technique"] == [
        "s3_vectors, semantic, rag", "s3_vectors, semantic, react",
    ]  # fmt: skip
    assert shown["answers by rag, store by store"] == [
        "s3_vectors, fixed_size-300, rag", "s3_vectors, semantic, rag",
    ]  # fmt: skip


def test_the_command_fails_when_answers_get_worse(
    evaluated: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    worse = replace(
        recording(),
        retrieved={
            "SEMANTIC": {
                each.id: Found(ranked=["lambda/Invoke"]) for each in golden_set().questions[:4]
            }
        },
    )
    assert evaluated(worse, BOUNDS) == 1
    assert (
        "FAILED: retrieval, s3_vectors, fixed_size-300, SEMANTIC: recall@5"
        in capsys.readouterr().err
    )


def test_what_was_recorded_with_other_prompts_or_code_is_said_and_passes(
    evaluated: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(recording(), BOUNDS) == 0
    said = capsys.readouterr().err
    assert "s3_vectors-fixed_size-300: nothing says with which prompts and code" in said
    now = {"rag": fingerprint(), "cache": fingerprint()}
    assert evaluated(replace(recording(), made_with=now), BOUNDS) == 0
    assert "prompts" not in capsys.readouterr().err
    other = {**now, "rag": "0123456789abcdef"}
    assert evaluated(replace(recording(), made_with=other), BOUNDS) == 0
    said = capsys.readouterr().err
    assert "recorded with other prompts or code of the chat function: rag" in said
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert len(results["warnings"]) == 1


def test_a_fingerprint_changes_with_prompts_and_code_and_with_nothing_else(tmp_path: Path) -> None:
    for name in ("prompts/rag.v1.toml", "lambda_src/chat/assistant.py", "lambda_src/jobs/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a")
    before = fingerprint(tmp_path)
    (tmp_path / "lambda_src/jobs/a.py").write_text("b")
    assert fingerprint(tmp_path) == before
    seen = {before}
    for name in ("prompts/rag.v1.toml", "lambda_src/chat/assistant.py"):
        (tmp_path / name).write_text("b")
        seen.add(fingerprint(tmp_path))
    (tmp_path / "prompts/rag.v1.toml").rename(tmp_path / "prompts/rag.v2.toml")
    assert len({*seen, fingerprint(tmp_path)}) == 4


def test_techniques_that_are_recorded_later_keep_fingerprints_of_their_own(tmp_path: Path) -> None:
    files(tmp_path).keep(replace(recording(), made_with={"rag": "a", "cache": "a"}))
    later = replace(
        recording(), made_with={"react": "b"}, cache=[],
        answers=[replace(each, technique="react") for each in recording().answers],
    )  # fmt: skip
    path = files(tmp_path).keep(later)
    assert files(tmp_path).read(path).made_with == {"rag": "a", "cache": "a", "react": "b"}


def test_the_command_says_when_there_is_nothing_to_score(
    evaluated: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(None, {}) == 2
    assert "--record" in capsys.readouterr().err


def test_what_is_committed_passes_the_committed_gate(tmp_path: Path) -> None:
    assert main(["--recorded", "--out", str(tmp_path)]) == 0
