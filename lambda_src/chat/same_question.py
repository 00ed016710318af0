"""Whether two questions may share an answer, beyond what the distance of their vectors says.

Embeddings put `in 7 days` next to `in 30 days` and `can` next to `cannot`: in a set of such pairs a
changed number scores a similarity of 0.90 in the median, a paraphrase 0.80, so no threshold tells
them apart. What must be equal is therefore compared as text. A miss is cheap, a wrong answer is
not.
"""

from __future__ import annotations

import re

from chat.words import content_words, negations, numbers

NAME = re.compile(r"[^\W\d_][\w./:@\-]*")
QUOTED = re.compile(r"[\"'`“‘]([^\"'`”’]{1,80})[\"'`”’]")
OPPOSITES = (
    ("minimum", "maximum"), ("min", "max"), ("least", "most"), ("lowest", "highest"),
    ("before", "after"), ("enable", "disable"), ("start", "stop"), ("create", "delete"),
    ("add", "remove"), ("allow", "deny"), ("open", "close"), ("increase", "decrease"),
    ("first", "last"), ("input", "output"), ("read", "write"), ("with", "without"),
    ("more", "less"), ("above", "below"), ("encrypt", "decrypt"), ("attach", "detach"),
    ("import", "export"), ("public", "private"), ("inbound", "outbound"), ("oldest", "newest"),
    ("old", "new"), ("all", "some"), ("always", "sometimes"), ("upload", "download"),
)  # fmt: skip


def normalised(question: str) -> str:
    """Questions that are equal in this form are the same question."""
    return " ".join(question.split()).rstrip(" ?!.")


def may_share_answer(one: str, other: str) -> bool:
    """Whether nothing that changes an answer differs: numbers, negations, names, opposites."""
    if normalised(one) == normalised(other):
        return True
    return (
        numbers(one) == numbers(other)
        and negations(one) == negations(other)
        and names(one) == names(other)
        and not _opposed(one, other)
    )


def names(question: str) -> set[str]:
    """What is named: quoted, capitalised (not as the first word alone), or with capitals, digits
    or signs inside.
    """
    found = {match.lower() for match in QUOTED.findall(question)}
    for index, match in enumerate(NAME.finditer(question)):
        word = match.group().rstrip(".:/-")
        capital = word[:1].isupper() and index > 0 and word != "I"
        inside = any(sign.isupper() or sign.isdigit() or sign in "._/:@" for sign in word[1:])
        if capital or inside:
            found.add(word.lower().removesuffix("'s"))
    return found


def _opposed(one: str, other: str) -> bool:
    first, second = _forms(one), _forms(other)
    return any(_crossed(left, right, first, second) for left, right in OPPOSITES)


def _crossed(left: str, right: str, first: set[str], second: set[str]) -> bool:
    """One question has the one word alone, the other question the other."""
    one_left = left in first and right not in first
    one_right = right in first and left not in first
    other_left = left in second and right not in second
    other_right = right in second and left not in second
    return (one_left and other_right) or (one_right and other_left)


def _forms(question: str) -> set[str]:
    words = set(re.findall(r"[a-z]+", question.lower()))
    return words | set(content_words(question)) | {word.rstrip("sd") for word in words}
