"""Numbers that are written out in English: four, twenty-four, two hundred and fifty, a million."""

from __future__ import annotations

import re

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
VALUES = {word: value for value, word in enumerate(_SMALL.split())}
VALUES |= {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
_UNITS = {"thousand": 10**3, "million": 10**6, "billion": 10**9}


_BEFORE = "an?|per|first|every|each"
"""What stands before a hundred, thousand, million without saying how many of them."""
_WORDS = "|".join([*VALUES, "hundred", *_UNITS])
_RUN = re.compile(
    rf"\b(?:({_BEFORE})\s)?((?:{_WORDS})(?:(?:\s{{1,3}}and\s{{1,3}}|[\s\-]{{1,3}})(?:{_WORDS}))*)\b",
    re.IGNORECASE,
)


def in_figures(text: str) -> str:
    """A text with its number words as figures; `one` alone is a pronoun as often, and stays."""
    return _RUN.sub(_figures, text)


def _figures(run: re.Match[str]) -> str:
    number, found, alone = _Number(), list[str](), bool(run.group(1))
    for word in re.findall("[a-z]+", run.group(2).lower()):
        if not number.takes(word, after_article=alone):
            found += number.ended()
            number = _Number()
            number.takes(word, after_article=False)
        alone = False
    found += number.ended()
    return ", ".join(found) if found else run.group()


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
