"""Numbers as texts write them: in figures or words, with separators, factors, units, as dates.

Two numbers are the same when one value or one measure of theirs is: `900 seconds` and `15 minutes`
have no value in common, and one measure. `1.250` is a thousand and a quarter of it in one country,
one and a quarter in another, and has both values.
"""

from __future__ import annotations

import re

from chat.number_words import in_figures

_BYTES = 1024
_NAMES = {
    "ms|milliseconds?|millisekunden?": ("ms", 1),
    "s|secs?|seconds?|sekunden?": ("ms", 1_000),
    "mins?|minuten?|minutes?": ("ms", 60_000),
    "h|hrs?|hours?|stunden?": ("ms", 3_600_000),
    "d|days?|tage?n?": ("ms", 86_400_000),
    "weeks?|wochen?": ("ms", 7 * 86_400_000),
    "months?|monate?n?": ("months", 1),
    "years?|jahre?n?": ("months", 12),
    "bytes?": ("bytes", 1),
}
"""What units of time are called, what they are measured in, and how many of those they are."""
_UNIT = "|".join(_NAMES) + "|[kmgtp]i?b"
_TAIL = re.compile(rf"[ \-]?(?i:({_UNIT}))\b")
_FACTORS = {
    "hundred": 2, "k": 3, "thousand": 3, "tausend": 3, "m": 6, "million": 6, "millionen": 6,
    "mio": 6, "billion": 9, "bn": 9, "milliarden": 9, "mrd": 9,
}  # fmt: skip
_FACTOR = re.compile(
    rf"[ \-]?((?i:{'|'.join(name for name in _FACTORS if len(name) > 1)}))\b\.?|([kKM])\b"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SPACED = re.compile(r"(?<![\w.,])[1-9]\d{0,2}(?: \d{3}){1,4}(?![.,]?\d)")
_SINGLE = re.compile(rf"\b(?i:(one)|an?|per|each|every)[ \-](?i:({_UNIT}))\b")
_NAMES_OF_MONTHS = (
    "January February March April May June July August September October November December"
)
_MONTH_NAMES = _NAMES_OF_MONTHS.split()
_MONTH = (
    r"(Jan|Feb|Mar|Mär|Apr|May|Mai|Jun|Jul|Aug|Sep|Oct|Okt|Nov|Dec|Dez)"
    r"(?:u?ary?|r?uary?|ch|z|il|e|y|i|ust|t?ember|t|ober)?\b"
)
_MONTHS = {name[:3]: number for number, name in enumerate(_MONTH_NAMES, 1)}
_MONTHS |= {"Mär": 3, "Mai": 5, "Okt": 10, "Dez": 12}
_DAY = re.compile(rf"\d(?:st|nd|rd|th|\.)? (?:of )?{_MONTH}|\b{_MONTH}\.? \d{{1,2}}\b")
_DATE = re.compile(
    r"(?<![\d.\-/])(?:(\d{4})-(0[1-9]|1[0-2])-(\d\d)|(\d\d?)\.(0?[1-9]|1[0-2])\.(\d{4}))(?![\d\-/])"
)
LONGEST = 30
"""Digits of a number that is multiplied."""


class Figure:
    """A number of a text: as it is compared letter by letter, its values, measures and unit."""

    __slots__ = ("measures", "unit", "values", "written")

    def __init__(self, written: str, values: list[str], unit: str = "") -> None:
        self.written = written
        self.values = frozenset(values)
        self.unit = unit
        self.measures = frozenset(_measures(values, unit.lower())) if unit else frozenset[str]()


def figures(text: str, *, loosely: bool = False) -> list[Figure]:
    """The numbers of a text, in no order. `Loosely` an hour is one too."""
    text = in_figures(text)
    found = [
        Figure("1", ["1"], match.group(2))
        for match in _SINGLE.finditer(text)
        if match.group(1) or loosely
    ]
    if not any(map(str.isdecimal, text)):
        return found
    spaced = {match.start(): match for match in _SPACED.finditer(text)}
    whole, until = "", 0
    for match in _NUMBER.finditer(text):
        group = spaced.get(match.start())
        if group:
            whole, until = group.group().replace(" ", ""), group.end()
        more = [whole] if match.start() < until else []
        found += _numbers(match.group(), text, max(match.end(), until), more)
    for match in _DAY.finditer(text):
        number = str(_MONTHS[match.group(1) or match.group(2)])
        found.append(Figure(f"month {number}", [f"month {number}"]))
    return found


def with_dates(text: str) -> str:
    """A text whose dates name the month: 2026-12-31 is 31 December 2026."""
    return _DATE.sub(_named, text) if "-" in text or "." in text else text


def percentages(text: str) -> set[str]:
    """What percentages of a text are as shares: 20 % is 0.2."""
    found = re.findall(r"(\d{1,9}(?:\.\d{1,9})?) ?(?:%|per ?cent\b|Prozent\b)", in_figures(text))
    return {_short(f"{float(number) / 100:.12f}") for number in found}


def _numbers(written: str, text: str, end: int, more: list[str]) -> list[Figure]:
    """One number, or the several of a list without spaces, with what follows at `end`; `more` is
    the value of the number that it may be a part of: 262 144.
    """
    read = _read(written)
    if read is None:
        parts = written.split(",")
        return [each for part in parts for each in _numbers(part, "", 0, [])]
    canonical, values = read
    factor = _FACTOR.match(text, end)
    if factor and len(written) <= LONGEST:
        power = _FACTORS[(factor.group(1) or factor.group(2)).lower()]
        decimal = _short(written) if len(values) > 1 else values[0]
        values = [_times(decimal, 10**power)]
        canonical, end = values[0], factor.end()
    unit = _TAIL.match(text, end)
    return [Figure(canonical, values + more, unit.group(1) if unit else "")]


def _read(written: str) -> tuple[str, list[str]] | None:
    """A number as it is compared letter by letter, and its values; None for a list of numbers.

    A sign separates thousands only before exactly three digits; a comma there does nothing else.
    """
    signs = re.findall("[.,]", written)
    if not signs:
        return written, [written]
    parts = re.split("[.,]", written)
    whole = "".join(parts)
    if len(set(signs)) == 2:
        *thousands, last = parts
        if signs[-1] in signs[:-1] or not _grouped(thousands):
            return None if "," in signs else (written, [written])
        value = _short(f"{''.join(thousands)}.{last}")
        return value, [value]
    if _grouped(parts):
        if len(signs) == 1 and signs[0] == "." and parts[1] != "000":
            return written, [whole, _short(written)]
        return whole, [whole]
    if len(signs) == 1:
        value = _short(".".join(parts))
        return value, [value]
    return None if signs[0] == "," else (written, [written])


def _grouped(parts: list[str]) -> bool:
    """Whether digits are grouped by thousands."""
    first, *others = parts
    return len(first) <= 3 and first[0] != "0" and all(len(each) == 3 for each in others)


def _measures(values: list[str], unit: str) -> list[str]:
    """What a number of units is in the smallest unit of their kind; a kilobyte has 1,000 bytes or
    1,024.
    """
    sizes = [(kind, size) for names, (kind, size) in _NAMES.items() if re.fullmatch(names, unit)]
    if not sizes:
        power = "kmgtp".index(unit[0]) + 1
        sizes = [("bytes", _BYTES**power)]
        if "i" not in unit:
            sizes.append(("bytes", 1000**power))
    return [
        f"{_times(value, size)} {kind}"
        for value in values
        for kind, size in sizes
        if len(value) <= LONGEST
    ]


def _times(number: str, factor: int) -> str:
    """A product, exactly."""
    whole, _, part = number.partition(".")
    product = str(int(whole + part) * factor)
    if not part:
        return product
    product = product.rjust(len(part) + 1, "0")
    return _short(f"{product[: -len(part)]}.{product[-len(part) :]}")


def _short(number: str) -> str:
    return number.rstrip("0").rstrip(".") if number.count(".") == 1 else number


def _named(date: re.Match[str]) -> str:
    year, month, day = (
        date.group(1, 2, 3) if date.group(1) else (date.group(6), date.group(5), date.group(4))
    )
    return f"{int(day)} {_MONTH_NAMES[int(month) - 1]} {year}"
