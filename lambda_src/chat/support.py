"""Where a chunk says what a sentence says, by their words, numbers and negations.

A chunk is read once, however many sentences are compared with it, and its passages are looked at
where it has a word of the sentence.
"""

from __future__ import annotations

import re

from chat.words import content_words, negations, numbers

WINDOW = 3
"""Sentences of a chunk that may support one of an answer."""
SENTENCE = re.compile(
    r"[^.!?\n。！？｡]*(?:[.!?](?!\s|$)[^.!?\n。！？｡]*)*"
    r"(?:[.!?]+[\"')]*|[。！？｡]+[\"')”’」』）]*|\n|$)"
)


class Support:
    """Where a chunk says what a sentence says: the passage, and the share of the words in it."""

    __slots__ = ("quote", "share")

    def __init__(self, quote: str, share: float) -> None:
        self.quote = quote
        self.share = share


class Said:
    """What a sentence says. `computed` are numbers that need not stand anywhere."""

    __slots__ = ("denied", "numbers", "words")

    def __init__(self, sentence: str, *, computed: frozenset[str] = frozenset()) -> None:
        self.words = frozenset(content_words(sentence)) - computed
        self.numbers = frozenset(numbers(sentence)) - computed
        self.denied = negations(sentence) % 2


class Chunk:
    """A chunk of a document, cut into its sentences."""

    __slots__ = ("_numbers", "_places", "_said", "_spans", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans = [each.span() for each in SENTENCE.finditer(text) if each.group().strip()]
        self._said = [Said(text[start:end]) for start, end in self._spans]
        self._numbers = frozenset(number for each in self._said for number in each.numbers)
        self._places: dict[str, list[int]] = {}
        for place, said in enumerate(self._said):
            for word in said.words:
                self._places.setdefault(word, []).append(place)

    @property
    def words(self) -> set[str]:
        """All that carry meaning."""
        return set(self._places)

    def support(self, said: Said) -> Support | None:
        """The shortest passage with most of a sentence's words; None when none supports it."""
        if not said.words or not said.numbers <= self._numbers:
            return None
        shared: dict[int, set[str]] = {}
        for word in said.words:
            for place in self._places.get(word, ()):
                shared.setdefault(place, set()).add(word)
        best, most = None, 0
        for length in range(1, WINDOW + 1):
            firsts = {place - back for place in shared for back in range(length)}
            for first in sorted(firsts):
                window = range(first, first + length)
                if first < 0 or window.stop > len(self._spans):
                    continue
                words = set().union(*(shared.get(place, ()) for place in window))
                if len(words) > most and self._agrees(window, said, shared):
                    best, most = window, len(words)
            if most == len(said.words):
                break
        if best is None:
            return None
        quote = self._text[self._spans[best[0]][0] : self._spans[best[-1]][1]]
        return Support(quote.strip(), most / len(said.words))

    def _agrees(self, window: range, said: Said, shared: dict[int, set[str]]) -> bool:
        """Whether a passage has the numbers, and negates what is nearest to the sentence as it
        does.
        """
        there = set().union(*(self._said[place].numbers for place in window))
        nearest = max(window, key=lambda place: len(shared.get(place, ())))
        return said.numbers <= there and self._said[nearest].denied == said.denied
