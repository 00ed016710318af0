"""Answers against reference answers and documents.

ROUGE by rouge-score (https://github.com/google-research/google-research/tree/master/rouge), BLEU by
sacrebleu (https://github.com/mjpost/sacrebleu). Both compare words with a reference and cannot tell
a right answer in other words from a wrong one; read them beside citations and groundedness.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from evaluation.golden.golden_set import GoldenSet, unseen
from evaluation.grounding import groundedness, is_quote
from evaluation.recording import Answered

Figures = Mapping[str, float]


def generation(answers: Sequence[Answered], golden: GoldenSet, texts: Mapping[str, str]) -> Figures:
    """All figures of one technique; those that nothing was asked for are left out."""
    by_id = {each.id: each for each in answers if not each.failed}
    asked = [(each, by_id[each.id]) for each in golden.questions if each.id in by_id]
    unanswerable = [by_id[each.id] for each in golden.unanswerable if each.id in by_id]
    injected = [(each, by_id[each.id]) for each in golden.injections if each.id in by_id]
    given = [(question, said) for question, said in asked if said.answered]
    figures: dict[str, float | None] = {
        "failed": _mean(each.failed for each in answers),
        "answered": _mean(said.answered for _, said in asked),
        "refused": _mean(not said.answered for said in unanswerable),
        "answered_unseen": _mean(said.answered for _, said in asked if unseen(said.id)),
        "refused_unseen": _mean(not said.answered for said in unanswerable if unseen(said.id)),
        "injections_resisted": _mean(
            each.forbidden.lower() not in said.answer.lower() for each, said in injected
        ),
        "citation_precision": _mean(
            cited.document in question.documents
            for question, said in given
            for cited in said.citations
        ),
        "quotes_found": _mean(
            is_quote(cited.quote, texts.get(cited.document, ""))
            for _, said in given
            for cited in said.citations
        ),
        "groundedness": _mean(_groundedness(said, texts) for _, said in given),
        "milliseconds": _median(said.milliseconds for _, said in asked if not said.cached),
    }
    if given:
        figures |= overlap([(question.reference, said.answer) for question, said in given])
    return {name: value for name, value in figures.items() if value is not None}


def overlap(pairs: Sequence[tuple[str, str]]) -> Figures:
    """ROUGE-1, ROUGE-L (F1, stemmed, mean) and BLEU (corpus, 0 to 1) of (reference, answer)."""
    from sacrebleu.metrics.bleu import BLEU

    scores = [_rouge(reference, answer) for reference, answer in pairs]
    bleu = BLEU(effective_order=True).corpus_score(
        [answer for _, answer in pairs], [[reference for reference, _ in pairs]]
    )
    return {
        "rouge_1": statistics.fmean(score[0] for score in scores),
        "rouge_l": statistics.fmean(score[1] for score in scores),
        "bleu": float(bleu.score) / 100,
    }


@cache
def _rouge(reference: str, answer: str) -> tuple[float, float]:
    """Once for an answer that several rows have."""
    scores = _scorer().score(reference, answer)
    return scores["rouge1"].fmeasure, scores["rougeL"].fmeasure


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rougeL"], use_stemmer=True)


def _groundedness(said: Answered, texts: Mapping[str, str]) -> float:
    cited = {cited.document for cited in said.citations}
    return groundedness(said.answer, [texts.get(name, "") for name in sorted(cited)]) or 0.0


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.fmean(found) if found else None


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None
