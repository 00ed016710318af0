"""Measures: retrieval beside ir-measures, generation beside cases that can be judged by reading."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, R, nDCG

from evaluation.generation import generation, overlap
from evaluation.golden.golden_set import GoldenSet, Injection, Question, Unanswerable
from evaluation.grounding import groundedness, is_quote
from evaluation.recording import Answered, CacheAsked, Citation, Found
from evaluation.retrieval import ndcg, recall, reciprocal_rank
from evaluation.scores import cache_figures, retrieval_figures

DOCUMENTS = [f"d{number}" for number in range(12)]
RANKED = st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=12)
RIGHT = st.lists(st.sampled_from(DOCUMENTS), unique=True, min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(ranked=RANKED, right=RIGHT, k=st.sampled_from([1, 3, 5, 10]))
def test_retrieval_measures_equal_ir_measures(
    ranked: Sequence[str], right: Sequence[str], k: int
) -> None:
    qrels = {"q": dict.fromkeys(right, 1)}
    run = {"q": {name: 1 / rank for rank, name in enumerate(ranked, start=1)}}
    wanted = ir_measures.calc_aggregate([R @ k, RR @ k, nDCG @ k], qrels, run) if ranked else {}
    ours = recall(ranked, right, k), reciprocal_rank(ranked, right, k), ndcg(ranked, right, k)
    theirs = (wanted.get(R @ k, 0.0), wanted.get(RR @ k, 0.0), wanted.get(nDCG @ k, 0.0))
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_a_document_counts_once_however_many_of_its_chunks_are_found() -> None:
    assert ndcg(["a", "a", "a"], ["a"], 10) == 1
    assert ndcg(["b", "a", "a"], ["a"], 10) == pytest.approx(1 / math.log2(3))
    assert recall(["a", "a", "b"], ["a", "b"], 2) == 0.5


def question(id_: str, *documents: str) -> Question:
    return Question(id=id_, question="?", documents=documents, reference="Deletes a queue.")


def golden(*questions: Question) -> GoldenSet:
    return GoldenSet(
        questions=questions,
        unanswerable=[Unanswerable(id="u1", kind="off_topic", question="?")],
        injections=[Injection(id="i1", question="?", forbidden="TANGERINE")],
        cache_pairs=[],
    )


def test_retrieval_is_scored_over_the_questions_that_were_searched() -> None:
    found = {"q1": Found(ranked=["a", "b"]), "q2": Found(ranked=["x"] * 5)}
    asked = golden(question("q1", "b"), question("q2", "a"), question("q3", "a"))
    figures = retrieval_figures(found, asked)
    assert figures["recall@1"] == 0
    assert figures["recall@5"] == 0.5
    assert figures["mrr@10"] == 0.25
    assert figures["ndcg@10"] == pytest.approx(1 / math.log2(3) / 2)


def test_the_least_score_is_what_nearly_all_answerable_questions_reach() -> None:
    questions = [question(f"q{number}", "a") for number in range(40)]
    silent = [
        Unanswerable(id=f"u{number}", kind="off_topic", question="?") for number in range(1, 5)
    ]
    scores = {each.id: 0.5 + number / 100 for number, each in enumerate(questions)}
    scores |= {"u1": 0.1, "u2": 0.51, "u3": 0.52, "u4": 0.9}
    found = {id_: Found(ranked=[], score=score) for id_, score in scores.items()}
    figures = retrieval_figures(found, replace(golden(*questions), unanswerable=silent))
    assert figures["least_score"] == pytest.approx(0.52)
    assert figures["below_it"] == 0.5


TEXTS = {
    "sqs/DeleteQueue": "Deletes the queue.\n\nWait 60 seconds before creating one of that name.",
    "sqs/PurgeQueue": "Deletes all messages of a queue.",
}


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ("Wait 60 seconds before you create a queue of that name. [1]", 1.0),
        ("Wait 90 seconds before you create a queue of that name.", 0.0),
        ("The queue is deleted. Bananas are rich in potassium.", 0.5),
        ("Do not wait 60 seconds before you create a queue of that name.", 0.0),
        ("You can't wait 60 seconds before creating one of that name.", 0.0),
        ("", None),
    ],
)
def test_what_a_cited_document_does_not_say_is_not_grounded(
    answer: str, share: float | None
) -> None:
    assert groundedness(answer, [TEXTS["sqs/DeleteQueue"]]) == share


def test_what_a_document_denies_is_not_grounded_without_the_denial() -> None:
    document = "A queue keeps messages for 4 days. Messages are not sent twice by a FIFO queue."
    assert groundedness("Messages are not sent twice by a FIFO queue.", [document]) == 1
    assert groundedness("Messages are sent twice by a FIFO queue.", [document]) == 0
    assert groundedness("Messages are kept by a queue for 4 days.", [document]) == 1
    assert groundedness("Messages are never kept by a queue for 4 days.", [document]) == 0


def test_an_answer_without_citations_is_not_grounded() -> None:
    assert groundedness("Deletes the queue.", []) == 0


def test_a_quote_has_the_documents_words_in_their_order() -> None:
    assert is_quote("wait  60 seconds\nbefore", TEXTS["sqs/DeleteQueue"])
    assert not is_quote("60 wait seconds", TEXTS["sqs/DeleteQueue"])
    assert not is_quote("", TEXTS["sqs/DeleteQueue"])


def said(id_: str, answer: str, *cited: tuple[str, str], answered: bool = True) -> Answered:
    return Answered(
        id=id_,
        technique="rag",
        answer=answer,
        answered=answered,
        milliseconds=100,
        citations=[Citation(document=name, quote=quote) for name, quote in cited],
    )


def figures_of(*answers: Answered) -> Mapping[str, float]:
    asked = golden(question("q1", "sqs/DeleteQueue"), question("q2", "sqs/DeleteQueue"))
    return generation(answers, asked, TEXTS)


def test_citations_are_right_when_they_name_an_answering_document_and_quote_it() -> None:
    figures = figures_of(
        said("q1", "Deletes the queue.", ("sqs/DeleteQueue", "Deletes the queue.")),
        said("q2", "Deletes all messages.", ("sqs/PurgeQueue", "Deletes every message.")),
    )
    assert figures["citation_precision"] == 0.5
    assert figures["quotes_found"] == 0.5
    assert figures["answered"] == 1
    assert figures["groundedness"] == 1


def test_refusals_and_injections_count_apart_from_answers() -> None:
    figures = figures_of(
        said("q1", "I do not know.", answered=False),
        said("u1", "Paris.", answered=True),
        said("i1", "Tangerine!", answered=True),
    )
    assert (figures["answered"], figures["refused"]) == (0, 0)
    assert figures["injections_resisted"] == 0
    assert "rouge_l" not in figures
    assert figures_of(said("u1", "", answered=False))["refused"] == 1


def test_what_chose_a_threshold_is_told_from_what_did_not() -> None:
    figures = figures_of(said("q1", "I do not know.", answered=False), said("q2", "Deletes it."))
    assert (figures["answered"], figures["answered_unseen"]) == (0.5, 0)


def test_overlap_with_a_reference() -> None:
    alike = overlap([("Deletes the specified queue now.", "Deletes the specified queue now.")])
    assert alike == pytest.approx({"rouge_1": 1, "rouge_l": 1, "bleu": 1})
    other = overlap([("Deletes the specified queue now.", "Bananas grow on trees.")])
    assert other["rouge_1"] == 0 and other["bleu"] < 0.1


def test_a_false_hit_is_an_answer_of_another_question_whatever_was_asked() -> None:
    hit, miss = (True, True, False), (True, False, False)
    trapped, escaped, other = (False, False, True), (False, False, False), (True, False, True)
    asked = [
        CacheAsked(same=same, right=right, wrong=wrong)
        for same, right, wrong in (hit, hit, miss, other, trapped, escaped, escaped, escaped)
    ]
    assert cache_figures(asked) == {"hit_rate": 0.5, "false_hit_rate": 0.25}
    assert cache_figures(asked[4:]) == {"false_hit_rate": 0.25}
    assert cache_figures([]) == {}
