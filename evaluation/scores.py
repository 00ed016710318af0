"""From recordings to rows of figures: one per store, chunking and search, technique or cache."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evaluation.generation import generation
from evaluation.golden.golden_set import GoldenSet
from evaluation.recording import CacheAsked, Found, Recording
from evaluation.retrieval import ndcg, recall, reciprocal_rank

RETRIEVAL, GENERATION, CACHE = "retrieval", "generation", "cache"
DEPTH = 10
ANSWERABLE_KEPT = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Figures of one thing that was measured; `variant` is the search type or the technique."""

    kind: str
    store: str
    chunking: str
    variant: str
    asked: int
    figures: Mapping[str, float]

    @property
    def label(self) -> str:
        """How it is told from others of its kind."""
        return f"{self.store}, {self.chunking}, {self.variant}"


def rows(
    recordings: Sequence[Recording], golden: GoldenSet, texts: Mapping[str, str]
) -> Iterator[Row]:
    """All rows, recording by recording."""
    for each in recordings:
        for search, found in each.retrieved.items():
            yield _row(each, RETRIEVAL, search, len(found), retrieval_figures(found, golden))
        for technique in dict.fromkeys(answer.technique for answer in each.answers):
            answers = [answer for answer in each.answers if answer.technique == technique]
            figures = generation(answers, golden, texts)
            yield _row(each, GENERATION, technique, len(answers), figures)
        if each.cache:
            yield _row(each, CACHE, "semantic", len(each.cache), cache_figures(each.cache))


def retrieval_figures(found: Mapping[str, Found], golden: GoldenSet) -> Mapping[str, float]:
    """Means over the questions that were searched, and what their scores tell apart."""
    asked = [
        (found[each.id].ranked, each.documents) for each in golden.questions if each.id in found
    ]
    if not asked:
        return {}
    figures = {
        f"recall@{k}": statistics.fmean(recall(ranked, right, k) for ranked, right in asked)
        for k in (1, 3, 5, DEPTH)
    }
    figures[f"mrr@{DEPTH}"] = statistics.fmean(
        reciprocal_rank(ranked, right, DEPTH) for ranked, right in asked
    )
    figures[f"ndcg@{DEPTH}"] = statistics.fmean(
        ndcg(ranked, right, DEPTH) for ranked, right in asked
    )
    return {**figures, **_told_apart(found, golden)}


def _told_apart(found: Mapping[str, Found], golden: GoldenSet) -> Mapping[str, float]:
    """The best score that 95 of 100 answerable questions reach, and the share of unanswerable ones
    that do not: what `chat.least_score` would refuse.
    """
    answerable = sorted(found[each.id].score for each in golden.questions if each.id in found)
    silent = [found[each.id].score for each in golden.unanswerable if each.id in found]
    if not silent:
        return {}
    least = answerable[int(len(answerable) * (1 - ANSWERABLE_KEPT))]
    return {"least_score": least, "below_it": statistics.fmean(each < least for each in silent)}


def cache_figures(asked: Sequence[CacheAsked]) -> Mapping[str, float]:
    """The share of repetitions that were recognised, and of all questions those that were given
    what belongs to another one.
    """
    figures = {"false_hit_rate": statistics.fmean(each.wrong for each in asked)} if asked else {}
    repeated = [each.right for each in asked if each.same]
    return {"hit_rate": statistics.fmean(repeated), **figures} if repeated else figures


def _row(
    recording: Recording, kind: str, variant: str, asked: int, figures: Mapping[str, float]
) -> Row:
    return Row(
        kind=kind,
        store=recording.store,
        chunking=recording.chunking,
        variant=variant,
        asked=asked,
        figures=figures,
    )
