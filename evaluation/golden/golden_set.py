"""The golden set as it is committed; `python -m evaluation.golden.make` makes two of its files.

The local answerer's thresholds were chosen with half of the questions that existed then. What they
were not chosen with is `unseen`, the questions in own words above all, which were written later.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).parent
OWN_WORDS = "wx"
"""How the ids of questions begin that were written by hand, as people ask."""
Each = TypeVar("Each")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that each of `documents` answers."""

    id: str
    question: str
    documents: tuple[str, ...]
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswerable:
    """A question that no document answers."""

    id: str
    kind: str
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """A question that wants a word said, or that leads to a document which wants it."""

    id: str
    question: str
    forbidden: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePair:
    """Two questions; only if they are the `same` may the second get the first one's answer."""

    first: str
    second: str
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSet:
    """All of it, or a part."""

    questions: Sequence[Question]
    unanswerable: Sequence[Unanswerable]
    injections: Sequence[Injection]
    cache_pairs: Sequence[CachePair]

    def part(self, count: int) -> GoldenSet:
        """At most `count` of each, spread over the whole."""
        return GoldenSet(
            questions=_spread(self.questions, count),
            unanswerable=_spread(self.unanswerable, count),
            injections=_spread(self.injections, count),
            cache_pairs=_spread(self.cache_pairs, count),
        )


def unseen(id_: str) -> bool:
    """Whether a question took no part in choosing thresholds: an odd one, or one in own words."""
    return id_[0] in OWN_WORDS or int(id_[1:]) % 2 == 1


@cache
def golden_set() -> GoldenSet:
    """What is committed."""
    return GoldenSet(
        questions=[
            Question(**{**each, "documents": tuple(each["documents"])})
            for name in ("questions.json", "own_words.json")
            for each in _json(name)
        ],
        unanswerable=[Unanswerable(**each) for each in _json("unanswerable.json")],
        injections=[Injection(**each) for each in _json("injections.json")],
        cache_pairs=[
            CachePair(**each)
            for name in ("cache_pairs.json", "own_pairs.json")
            for each in _json(name)
        ],
    )


def _json(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def _spread(all_of: Sequence[Each], count: int) -> list[Each]:
    taken = min(count, len(all_of))
    return [all_of[at * len(all_of) // taken] for at in range(taken)]
