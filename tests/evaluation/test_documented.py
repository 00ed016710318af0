"""docs/evaluation.md says what is recorded: each row of its tables, and every row that is recorded.

A row of a table may stand for several recorded ones, as long as their figures are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from statistics import fmean

import pytest

from evaluation import REPOSITORY
from evaluation.golden.documents import texts
from evaluation.golden.golden_set import OWN_WORDS, golden_set
from evaluation.recorded_files import FOLDER, RecordedFiles
from evaluation.recording import Recording
from evaluation.scores import CACHE, GENERATION, RETRIEVAL, Row, rows

DEFAULT = "opensearch_serverless, fixed_size-300"
SEARCHES = {
    "opensearch_serverless, hybrid": [f"{DEFAULT}, HYBRID"],
    "the same, hierarchical": ["opensearch_serverless, hierarchical, HYBRID"],
    "the same, semantic": ["opensearch_serverless, semantic-300, HYBRID"],
    "aurora_postgresql, hybrid": ["aurora_postgresql, fixed_size-300, HYBRID"],
    "opensearch_serverless and _managed, by vectors": [
        f"{DEFAULT}, SEMANTIC", "opensearch_managed, fixed_size-300, SEMANTIC",
    ],
    "the same (serverless), hierarchical": ["opensearch_serverless, hierarchical, SEMANTIC"],
    "the same (serverless), semantic": ["opensearch_serverless, semantic-300, SEMANTIC"],
    "s3_vectors, aurora_postgresql, redis_enterprise_cloud, by vectors": [
        f"{store}, fixed_size-300, SEMANTIC"
        for store in ("s3_vectors", "aurora_postgresql", "redis_enterprise_cloud")
    ],
    "pinecone, by vectors": ["pinecone, fixed_size-300, SEMANTIC"],
}  # fmt: skip
TECHNIQUES = {
    "rag": [f"{DEFAULT}, rag"],
    "n_shot, chain_of_thought, self_consistency, generated_knowledge": [
        f"{DEFAULT}, {technique}"
        for technique in ("n_shot", "chain_of_thought", "self_consistency", "generated_knowledge")
    ],
    "react": [f"{DEFAULT}, react"],
    "zero_shot": [f"{DEFAULT}, zero_shot"],
    "rag, hierarchical chunks": ["opensearch_serverless, hierarchical, rag"],
    "rag, semantic chunks": ["opensearch_serverless, semantic-300, rag"],
    "rag, aurora_postgresql": ["aurora_postgresql, fixed_size-300, rag"],
    "rag, opensearch_managed": ["opensearch_managed, fixed_size-300, rag"],
    "rag, s3_vectors; pinecone; redis_enterprise_cloud": [
        f"{store}, fixed_size-300, rag"
        for store in ("s3_vectors", "pinecone", "redis_enterprise_cloud")
    ],
}
SEARCH_FIGURES = (
    "recall@1", "recall@3", "recall@5", "recall@10", "mrr@10", "ndcg@10", "least_score", "below_it",
)  # fmt: skip
ANSWER_FIGURES = (
    "answered", "refused", "answered_unseen", "refused_unseen", "injections_resisted",
    "citation_precision", "rouge_l", "bleu",
)  # fmt: skip


@cache
def page() -> str:
    return (REPOSITORY / "docs" / "evaluation.md").read_text(encoding="utf-8")


@cache
def recordings() -> Sequence[Recording]:
    return RecordedFiles(FOLDER, golden_set(), texts()).all()


def recorded(kind: str) -> Mapping[str, Row]:
    return {row.label: row for row in rows(recordings(), golden_set(), texts()) if row.kind == kind}


def table(first: str) -> Mapping[str, Sequence[str]]:
    """Cells by the name of their row, of the table whose first head this is."""
    body = page().split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in body)
    return {name: values for name, *values in cells}


def said(row: Row, figures: Sequence[str]) -> Iterator[str]:
    for figure in figures:
        yield f"{row.figures[figure]:.3f}" if figure in row.figures else ""


@pytest.mark.parametrize(
    ("first", "kind", "named", "figures", "beside"),
    [
        ("store, chunks, search", RETRIEVAL, SEARCHES, SEARCH_FIGURES, 0),
        ("technique", GENERATION, TECHNIQUES, ANSWER_FIGURES, 1),
    ],
)
def test_each_row_is_what_is_recorded(
    first: str,
    kind: str,
    named: Mapping[str, Sequence[str]],
    figures: Sequence[str],
    beside: int,
) -> None:
    found, shown = recorded(kind), table(first)
    assert set(shown) == set(named)
    assert {label for labels in named.values() for label in labels} == set(found)
    for name, labels in named.items():
        for label in labels:
            assert shown[name][beside:] == list(said(found[label], figures)), label
            if beside:
                assert shown[name][0].removesuffix(" each") == str(found[label].asked), label


def test_the_cache_is_what_is_recorded() -> None:
    (row,) = recorded(CACHE).values()
    (asked,) = (each.cache for each in recordings() if each.cache)
    repeated, hits = sum(each.same for each in asked), sum(each.right for each in asked)
    of = f"of {repeated} questions in other words {hits} ({row.figures['hit_rate']:.3f})"
    assert of in page()
    assert not row.figures["false_hit_rate"]
    known = sum(
        answer.cached and answer.technique == "rag"
        for each in recordings()
        if each.cache
        for answer in each.answers
    )
    assert f"The cache was measured first, so {known} answers of the" in page()
    assert f"Of all {len(asked)} pairs none got a wrong one" in page()


def kind_of(id_: str) -> str:
    if id_[0] in OWN_WORDS:
        return "in own words"
    return "odd" if int(id_[1:]) % 2 else "even"


def test_what_refuses_is_what_is_recorded() -> None:
    (default,) = (each for each in recordings() if each.name == DEFAULT.replace(", ", "-"))
    answered = {each.id: each.answered for each in default.answers if each.technique == "rag"}
    shown = re.findall(
        r"^\| (\d+) (even|odd|in own words)\b.* \| ([\d.]+) \| \| (\d+) \2 \| ([\d.]+) \|$",
        page(),
        re.M,
    )
    assert {name for _, name, *_ in shown} == {"even", "odd", "in own words"}
    for count, name, share, silent, refused in shown:
        questions = [q.id for q in golden_set().questions if kind_of(q.id) == name]
        unanswerable = [u.id for u in golden_set().unanswerable if kind_of(u.id) == name]
        assert (int(count), int(silent)) == (len(questions), len(unanswerable))
        assert share == f"{fmean(answered[each] for each in questions):.3f}"
        assert refused == f"{fmean(not answered[each] for each in unanswerable):.3f}"
