"""Numbers that are written out in English: four, twenty-four, two hundred and fifty, a million."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z]+|[^a-z\s\-]")
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
VALUES = {word: value for value, word in enumerate(_SMALL.split())}
VALUES |= {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
_UNITS = {"thousand": 10**3, "million": 10**6, "billion": 10**9}


def spelled(text: str) -> list[str]:
    """The numbers of a text in lower case; `one` alone is a pronoun as often, and is left out."""
    number, found, before = _Number(), [], ""
    for word in _WORD.findall(text):
        if not number.takes(word, after_article=before in ("a", "an")):
            found += number.ended()
            number = _Number()
            number.takes(word, after_article=False)
        before = word
    return found + number.ended()


class _Number:
    """One number as it is read."""

    __slots__ = ("_part", "_total", "_words")

    def __init__(self) -> None:
        self._total = 0
        self._part = 0
        self._words: list[str] = []

    def takes(self, word: str, *, after_article: bool) -> bool:
        """Whether the number goes on with a word."""
        value = VALUES.get(word)
        if value is not None:
            below = self._part % 100
            after_tens = below >= 20 and below % 10 == 0 and 0 < value < 10
            if self._words == ["zero"] or (below and not after_tens):
                return False
            self._part += value
        elif word == "hundred" and (after_article or 0 < self._part < 20):
            self._part = (self._part or 1) * 100
        elif word in _UNITS and (after_article or self._part):
            self._total += (self._part or 1) * _UNITS[word]
            self._part = 0
        elif word != "and" or not self._words or self._words[-1] not in ("hundred", *_UNITS):
            return False
        self._words.append(word)
        return True

    def ended(self) -> list[str]:
        """The number, if it is one."""
        return [str(self._total + self._part)] if self._words not in ([], ["one"]) else []
