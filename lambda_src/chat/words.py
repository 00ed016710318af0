"""What a sentence is about, roughly: words without endings, numbers, negations.

Endings and little words are English; numbers and negations are known in some other languages.
Enough to see that a sentence says something else than its source, not that it says the same; that
is what the guardrail's contextual grounding is for.
"""

from __future__ import annotations

import re

from chat.figures import Figure, figures, with_dates
from chat.number_words import VALUES

WORD = re.compile(r"[^\W_]+(?:['’_.\-/][^\W_]+)*")
NEGATION = re.compile(
    r"\b(?:not(?! only\b)|no(?!\. ?\d)|never|none|neither\b(?:[^.;:!?]{1,120}?\bnor)?|nor|nothing"
    r"|nobody|without|cannot|except|unless|un(?:able|like|limited)"
    r"|avoid(?:s|ed|ing)?|(?:fail|refus)(?:e?s|e?d|e|ing)? to)\b"
    r"|n['’]t\b"
    r"|\b(?:nicht|kein\w{0,2}|nie|niemals|pas|jamais|aucune?|nunca|jamás|ningun[oa]|não)\b",
    re.IGNORECASE,
)
TELLING = frozenset({"unlimited"})
"""Of the words that negate, what says something besides."""
ANSWERING_NO = re.compile(r"\A[\s*_>\-]{0,9}no\b[*_]{0,3}[,;:–—]", re.IGNORECASE)
"""A no that answers a question; what is denied is said after it."""
_SPACED = re.compile(r"(?<=\d)[\u00a0\u2009\u202f’](?=\d{3}(?!\d))")
_LITTLE = (
    "a about after all also an and any are as at be because been before being both but by can "
    "could did do does done each either for from had has have how i if in into is it its may "
    "might must my of on one only or other our out over own same shall she should so some such "
    "than that the their them then there these they this those through to under up use used "
    "using very was we were what when where which while who whom why will with would you your "
    "yes"
)
STOP = frozenset(_LITTLE.split())
SPELLED = frozenset(VALUES)
"""Number words."""
ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "ed", "es", "er", "ly", "s", "e")


def content_words(text: str) -> list[str]:
    """Stems of the words that carry meaning, in their order."""
    text = with_dates(plain(text)).lower()
    if text.isascii():
        return _stems(text)
    from chat.scripts import pairs, stretches

    found = []
    for run, other in stretches(text):
        found += pairs(run) if run else _stems(other)
    return found


def _stems(text: str) -> list[str]:
    found = []
    for match in WORD.finditer(text):
        word = match.group().replace("’", "'")
        if word in STOP or len(word) < 2 or word.endswith("n't"):
            continue
        if NEGATION.fullmatch(word) and word not in TELLING:
            continue
        found.append(stem(word))
    return found


def stem(word: str) -> str:
    """A word without its ending: messages, message and messaging are one."""
    if len(word) > 4 and word.isalpha():
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word[: -len(ending)]
    return word


def numbers(text: str) -> list[str]:
    """The numbers in a text, sorted, written out or not; 1,024 is 1024, and 1.024 only 1.024."""
    return sorted(each.written for each in figures_of(text))


def figures_of(text: str, *, loosely: bool = False) -> list[Figure]:
    """The numbers in a text with their values and measures."""
    text = with_dates(plain(text))
    found = figures(text, loosely=loosely)
    if text.isascii():
        return found
    from chat.scripts import numerals

    return found + [Figure(number, [number]) for number in numerals(text)]


def negations(text: str) -> int:
    """How often a text negates. `No` as an answer does not, what follows it does."""
    found = len(NEGATION.findall(ANSWERING_NO.sub("", text)))
    if text.isascii():
        return found
    from chat.scripts import denials

    return found + denials(text)


def plain(text: str) -> str:
    """A text whose letters and digits are the usual ones, of the many that mean the same."""
    if text.isascii():
        return text
    import unicodedata

    text = unicodedata.normalize("NFKC", _SPACED.sub("", text))
    return re.sub(r"[^\D0-9]", lambda digit: str(unicodedata.decimal(digit.group())), text)


NUMBER_STEMS = frozenset(
    stem(word) for word in (*VALUES, "hundred", "thousand", "million", "billion")
)
"""Of the words that numbers are written with."""


def says_nothing(text: str) -> bool:
    """Whether a text only leads on: `Here is what I found`, `yes`, `in short`, a rule, a fence."""
    if text.strip(" \t\r\n.,:!*").lower() in ("yes", "no"):
        return True
    return CONNECTING.issuperset(content_words(text)) and not numbers(text) and not negations(text)


_LEADING_ON = (
    "according answer below brief described detail details document documents example find follow "
    "follows following found here information list mention mentioned note ok okay overview "
    "question said say says short shown source sources stated step steps summary sure"
)
CONNECTING = frozenset(stem(word) for word in _LEADING_ON.split())
