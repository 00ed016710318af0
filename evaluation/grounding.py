"""Whether what an answer says is in the documents that it cites.

A sentence is grounded when a passage of up to three sentences of one cited document holds most of
its words and all of its numbers. It is a comparison of words: it finds what is made up, and not
every wrong conclusion. It is written apart from the check in the chat function, so that a mistake
in one is not hidden by the same mistake in the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

LEAST_SHARE = 0.6
WINDOW = 3
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_MARK = re.compile(r"\[\d+(?:\s*,\s*\d+)*\]")
_WORD = re.compile(r"[a-z]+|\d+(?:[.,]\d+)*")
_BLANKS = re.compile(r"\s+")
_EMPTY = re.compile(
    r"an?|and|are|as|at|be|been|by|can|do|does|for|from|has|have|how|i|if|in|into|is|its?|of|on|or|"
    r"that|the|their|them|then|there|these|this|to|used?|using|was|when|which|will|with|you|your"
)


def groundedness(answer: str, cited: Sequence[str]) -> float | None:
    """Share of the answer's sentences that a cited document says; None for an empty answer."""
    said = [words for each in sentences(answer) if (words := content(each))]
    if not said:
        return None
    passages = [passage for document in cited for passage in _passages(document)]
    return sum(any(_holds(passage, words) for passage in passages) for words in said) / len(said)


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


@lru_cache(maxsize=1024)
def _passages(document: str) -> list[frozenset[str]]:
    each = [content(sentence) for sentence in sentences(document)]
    return [
        frozenset().union(*each[first : first + WINDOW]) for first in range(max(1, len(each) - 1))
    ]


def _holds(passage: frozenset[str], words: frozenset[str]) -> bool:
    numbers = {word for word in words if word[0].isdigit()}
    return numbers <= passage and len(words & passage) >= LEAST_SHARE * len(words)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().lower()
