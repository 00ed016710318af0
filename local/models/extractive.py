"""Answers made of sentences that stand in the passages: the default for grounded questions.

Which sentences, the embedding model decides: those most similar to the question. It never invents,
always gives the same answer, and says nothing when nothing fits; it also never combines, computes
or phrases anything. In thirteen questions it was right as often as the small language model.

Something fits when similarity and words together reach LEAST_SUPPORT, and a question for a number
gets one. The least was chosen on half of the golden set's questions; docs/evaluation.md tells what
it does to the other half.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from local.models.coverage import coverage

SENTENCES = 2
LEAST_SIMILARITY = 0.35
"""Below it a sentence is about something else: unrelated pairs of texts score 0.07 to 0.31."""
NEXT_BEST = 0.85
"""Share of the best sentence's similarity that a further sentence needs."""
PASSAGE_WEIGHT = 0.3
"""How much the passage as a whole counts: "It must be unique." says little without it."""
SHORTEST_WORDS = 4
MOST_SENTENCES = 40
LEAST_SUPPORT = 0.82
"""Of the best sentence's similarity and COVERAGE_WEIGHT times the share of the question's words."""
COVERAGE_WEIGHT = 0.3

_COUNTING = re.compile(
    r"^(?:in [\w ]+, )?(?:how (?:many|much|long|often)\b|when\b"
    r"|(?:in |at |on |since )?(?:which|what) (?:year|day|date)\b"
    r"|what (?:is|was) the (?:\w+ )?(?:number|price|cost)\b)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b", re.IGNORECASE
)
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9\"'(\[`])|\n+")


class Vectors(Protocol):
    """Whoever embeds texts."""

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Unit vectors in the texts' order."""


@dataclass(frozen=True, kw_only=True)
class Picked:
    """A sentence, the place of its passage in the list, and how similar it is to the question."""

    sentence: str
    passage: int
    score: float


def sentences(text: str) -> list[str]:
    """A text's sentences, headings and lines without a verb left out as far as length tells."""
    parts = (part.strip(" \t-*•") for part in _END.split(text))
    return [part for part in parts if len(part.split()) >= SHORTEST_WORDS]


def pick(
    question: str,
    passages: Sequence[str],
    vectors: Vectors,
    *,
    most: int = SENTENCES,
    least: float = LEAST_SIMILARITY,
) -> list[Picked]:
    """The best sentences, best first; none when they do not answer the question."""
    candidates = [
        (place, sentence)
        for place, passage in enumerate(passages)
        for sentence in sentences(passage)[:MOST_SENTENCES]
    ]
    if not candidates:
        return []
    unique = list(dict.fromkeys([question, *passages, *(each for _, each in candidates)]))
    known = dict(zip(unique, vectors(unique), strict=True))
    asked = known[question]
    about = [_similarity(asked, known[passage]) for passage in passages]
    scored = sorted(
        (
            Picked(sentence=sentence, passage=place, score=_similarity(asked, known[sentence]))
            for place, sentence in candidates
        ),
        key=lambda each: -(each.score + PASSAGE_WEIGHT * about[each.passage]),
    )
    best = scored[0].score
    support = best + COVERAGE_WEIGHT * coverage(question, passages)
    if best < least or support < LEAST_SUPPORT:
        return []
    picked: list[Picked] = []
    for each in scored:
        new = all(each.sentence != other.sentence for other in picked)
        if new and each.score >= max(least, NEXT_BEST * best):
            picked.append(each)
    return picked[:most] if _fits(question, picked[:most]) else []


def _fits(question: str, picked: Sequence[Picked]) -> bool:
    """Whether a question for a number is answered by a sentence that has one."""
    return not _COUNTING.search(question) or any(_NUMBER.search(each.sentence) for each in picked)


def _similarity(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
