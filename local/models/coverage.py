"""How much of a question a passage speaks of, by words.

Vectors put `Which operation starts a query?` next to any operation that starts something; that the
word `query` stands nowhere, words tell. What a user's own things are called counts for nothing: no
document knows the alias BLUE or the function my-function. English alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[a-z]+(?:['’_.-][a-z0-9]+)*|\d[\w.,-]*")
_OWN = re.compile(
    r"\b(?:named|called)\s+[\"'`]?[\w.:/-]+|[\"`“][^\"`”]{1,80}[\"`”]|(?<!\w)'[^']{1,80}'"
)
_CODE = re.compile(r"[-_\d]")
_ENDINGS = (
    "ations", "ation", "ings", "ing", "ies", "ied", "ions", "ion", "ers", "ed", "es", "er", "ly",
    "s", "e",
)  # fmt: skip
_EMPTY = frozenset(
    """
    a about all an and any are as at be by can did do does each every for from had has have how i
    if in into is it its me my of on or our so some specified than that the their them then there
    these they this those to under up us use used using was we were what when where which while
    who whom why will with would you your
    """.split()  # noqa: SIM905 (a list of them is four lines longer)
)


def coverage(question: str, passages: Iterable[str]) -> float:
    """The share of the question's words that the passage with most of them has; 0 to 1."""
    asked = words(_OWN.sub(" ", question))
    asked = {word for word in asked if not _CODE.search(word)}
    if not asked:
        return 0.0
    return max((len(asked & words(each)) / len(asked) for each in passages), default=0.0)


def words(text: str) -> set[str]:
    """What a text is about: its words without endings, and without those that say little."""
    return {_stem(word) for word in _WORD.findall(text.lower()) if word not in _EMPTY}


def _stem(word: str) -> str:
    """Without its endings, one after the other: aliases, alias."""
    if len(word) > 4 and word.isalpha():
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return _stem(word[: -len(ending)])
    return word
