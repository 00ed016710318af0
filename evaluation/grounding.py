"""Whether what an answer says is in the documents that it cites.

A sentence is grounded when a passage of up to three sentences of one cited document holds most of
its words and all of its numbers, and the sentence of the passage that is nearest to it denies what
it denies. It is a comparison of words: it finds what is made up, and not every wrong conclusion. It
is written apart from the check in the chat function, so that a mistake
in one is not hidden by the same mistake in the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

LEAST_SHARE = 0.6
WINDOW = 3
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_MARK = re.compile(r"\[\d+(?:\s*,\s*\d+)*\]")
_WORD = re.compile(r"[a-z]+|\d+(?:[.,]\d+)*")
_DENIAL = re.compile(
    r"\b(?:not|no|never|none|nothing|cannot|without|neither|nor)\b|n[’']t\b", re.IGNORECASE
)
_BLANKS = re.compile(r"\s+")
_EMPTY = re.compile(
    r"an?|and|are|as|at|be|been|by|can|do|does|for|from|has|have|how|i|if|in|into|is|its?|of|on|or|"
    r"that|the|their|them|then|there|these|this|to|used?|using|was|when|which|will|with|you|your"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentence:
    words: frozenset[str]
    denies: bool


def groundedness(answer: str, cited: Sequence[str]) -> float | None:
    """Share of the answer's sentences that a cited document says; None for an empty answer."""
    said = [one for each in sentences(answer) if (one := _read(each)).words]
    if not said:
        return None
    passages = [passage for document in cited for passage in _passages(document)]
    return sum(any(_holds(passage, one) for passage in passages) for one in said) / len(said)


def sentences(text: str) -> list[str]:
    """The sentences of a text without the marks of citations."""
    return [each for part in _SENTENCE.split(_MARK.sub("", text)) if (each := part.strip())]


def content(sentence: str) -> frozenset[str]:
    """What a sentence is about: its words without endings, and its numbers."""
    return frozenset(
        _stem(word) for word in _WORD.findall(sentence.lower()) if not _EMPTY.fullmatch(word)
    )


def is_quote(quote: str, document: str) -> bool:
    """Whether a document has these words in this order, whatever blanks are between them."""
    said = _plain(quote)
    return bool(said) and said in _plain(document)


def _read(sentence: str) -> _Sentence:
    return _Sentence(words=content(sentence), denies=_DENIAL.search(sentence) is not None)


@lru_cache(maxsize=1024)
def _passages(document: str) -> list[list[_Sentence]]:
    each = [_read(sentence) for sentence in sentences(document)]
    return [each[first : first + WINDOW] for first in range(max(1, len(each) - 1))]


def _holds(passage: list[_Sentence], said: _Sentence) -> bool:
    words = frozenset().union(*(each.words for each in passage))
    numbers = {word for word in said.words if word[0].isdigit()}
    if not numbers <= words or len(said.words & words) < LEAST_SHARE * len(said.words):
        return False
    nearest = max(len(each.words & said.words) for each in passage)
    return any(
        each.denies == said.denies for each in passage if len(each.words & said.words) == nearest
    )


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().lower()
