"""docs/vector-stores.md says what the price list says."""

from __future__ import annotations

from pathlib import Path

from costs.vector_stores import idle, questions, stored_gb

DOCUMENT = (Path(__file__).parents[2] / "docs" / "vector-stores.md").read_text()


def row(start: str) -> str:
    (found,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| {start}")][:1]
    return found


def test_the_document_says_what_stores_cost_idle() -> None:
    dollars = idle()
    for store, start in (
        ("opensearch_serverless nextgen", "`opensearch_serverless`, nextgen |"),
        (
            "opensearch_serverless classic standby",
            "`opensearch_serverless`, classic, with standby replicas",
        ),
        ("opensearch_serverless classic", "`opensearch_serverless`, classic, without standby"),
        ("opensearch_managed", "`opensearch_managed`,"),
        ("aurora_postgresql", "`aurora_postgresql`, paused |"),
        ("aurora_postgresql secrets", "`aurora_postgresql`, paused |"),
        ("s3_vectors", "`s3_vectors` |"),
    ):
        assert f"{dollars[store]:.2f}" in row(start), (store, dollars[store])
    assert f"about {stored_gb():.1f} GB" in DOCUMENT


def test_the_document_says_what_questions_cost() -> None:
    starts = {
        "opensearch_serverless": "`opensearch_serverless`, nextgen |",
        "aurora_postgresql": "`aurora_postgresql`, paused |",
        "s3_vectors": "`s3_vectors` |",
    }
    for what, dollars in questions().items():
        assert f"{dollars:.2f}" in row(starts[what.split()[0]]), (what, dollars)


def test_resting_stores_cost_less_than_a_dollar() -> None:
    dollars = idle()
    assert dollars["opensearch_serverless nextgen"] < 1 > dollars["s3_vectors"]
    assert dollars["aurora_postgresql"] + dollars["aurora_postgresql secrets"] < 1
