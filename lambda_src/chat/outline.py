"""What stands under what in an answer: headings, the lists that they lead to, and steps.

A heading is a line that begins with `#`, a line that is bold as a whole, a line of up to three
words, or one that ends with a colon, which leads on to the paragraph, the list, the table or the
code that follows. All stand over items, and so does a line that does not end as a sentence or that
denies, if it was withheld; over the sentences of a paragraph stands what leads on to them, and a
title that denies.
"""

from __future__ import annotations

import re

from chat.words import CONNECTING, WORD, content_words, negations, stem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ITEM = re.compile(r"\s*(?:[-*+•–]|(?:(?i:step|schritt)\s)?(\d{1,3})[.):])\s+")
_NUMBERED = re.compile(r"\W*(?:(?:step|schritt)\s)?\d{1,2}[.):]\s+", re.I)
_TITLE = re.compile(r"\s*(#{1,6})\s")
_BOLD = re.compile(r"\s*(?:\*\*|__)(?!\s)[^*_]{1,200}+(?:\*\*|__)\s*\Z")
_SENTENCE = re.compile(r"[.!。！][*_\"')]*\s*\Z")
BOLD, LEADING, SHORT, INDENTED, TABLE = 7, 8, 9, 10, 200
"""Levels: `#` to `######` are 1 to 6, and an item is as much deeper as it is indented."""
_MOST_WORDS, _FEW_WORDS = 6, 3
_VERBS = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|can|may|must|should|will|shall|needs?)\b", re.I
)
_ASKS = re.compile(r"\W*(?:how|what|when|where|which|who|why|can|may|must|does|do|is|are)\b", re.I)
_GENERAL = (
    "additional available base case common compare comparison condition consider default "
    "difference exception feature general get happen important item key keep limit limitation "
    "long main many mean mind much name next often option overview parameter prerequisite property "
    "quota reason requirement rule setting solution table tip type value way word work"
)
WORDS = CONNECTING.union(*({stem(word), stem(f"{word}s")} for word in _GENERAL.split()))
"""What a heading may say of anything."""


class Heading:
    """A line over others. `used` says that something follows it, `withheld` that it is not read."""

    __slots__ = ("denies", "leads", "level", "said", "step", "used", "withheld")

    def __init__(self, said: str, *, level: int, step: int | None = None) -> None:
        self.said = said
        self.level = level
        self.step = step
        self.leads = _leads_on(said)
        self.denies = bool(negations(said))
        self.used = False
        self.withheld = False


class Outline:
    """The place of the line that is read. `ended` hears of headings when nothing more follows
    under them.
    """

    def __init__(self, ended: Callable[[Heading], object]) -> None:
        self._ended = ended
        self._headings: list[Heading] = []
        self._item = False
        self._number = 0
        self._step: int | None = None
        self._broken: int | None = None
        self._resting = False
        self._block = False
        self._level = LEADING

    def line(self, body: str, *, before: str | None) -> tuple[str, int]:
        """Begin a line behind white space, None at the beginning. Gives the line without the number
        of its place in a list, which no chunk has to have, and its level if it is a heading.
        """
        indent = len(before) - before.rfind("\n") - 1 if before else 0
        apart = before is None or before.count("\n") > 1 or self._block
        match = ITEM.match(body)
        level = _level(body[match.end() :] if match else body)
        if level == SHORT and (match or not (apart or self._item) or self._led_to):
            level = 0
        self._block = False
        self._level = INDENTED + indent if match or self._item else LEADING
        if match:
            self.close(INDENTED + indent)
            self._begin(int(match.group(1)) if match.group(1) else None, indent)
            level = INDENTED + indent if level else 0
        elif level or (apart and indent < 2):
            self._end_list(level)
        for each in self._headings:
            each.used = True
        number = int(match.group(1)) if match and match.group(1) else -1
        if level and (found := _NUMBERED.match(body)) and not match:
            return body[found.end() :], level
        if match is None or number not in (1, self._number + 1):
            return body, level
        self._number = number
        return body[match.end() :], level

    def last(self, body: str) -> int:
        """The level of a sentence that ends a line which others begin."""
        return self._level if _leads_on(body) else 0

    def block(self) -> None:
        """Begin a table or code."""
        self._block = True
        for each in self._headings:
            each.used = True

    def open(self, said: str, *, level: int) -> Heading:
        """Begin what stands under a heading."""
        heading = Heading(said, level=level, step=self._step if level >= INDENTED else None)
        self._headings.append(heading)
        return heading

    def missing(self, said: str) -> None:
        """A sentence is withheld at the end of its line: it may have led on to a list."""
        last = self._headings[-1] if self._headings else None
        if last is not None and last.level == LEADING and last.withheld:
            return
        if not self._item and (negations(said) or not _SENTENCE.search(said)):
            heading = self.open(said, level=LEADING)
            heading.withheld = heading.used = True

    def close(self, level: int) -> None:
        """End what stands under headings of a level and below."""
        while self._headings and self._headings[-1].level >= level:
            heading = self._headings.pop()
            self._ended(heading)
            if heading.withheld and heading.step is not None:
                self._broken = heading.step

    def over(self, *, block: bool = False) -> list[Heading]:
        """The headings that the line is read with."""
        if self._item or block:
            return self._headings
        return [
            each for each in self._headings
            if each.leads or (each.denies and each.level < LEADING)
        ]  # fmt: skip

    def lacking(self, *, block: bool = False) -> bool:
        """Whether the line means something else without what was withheld before it: the heading
        over it, one that denies, or a step.
        """
        over = self.over(block=block)
        return (
            any(each.withheld and (each.leads or each.denies) for each in over)
            or bool(over and over[-1].withheld)
            or (self._broken is not None and not self._resting)
        )

    def lacks(self) -> None:
        """Something of the line is withheld: the steps after it hang on it."""
        if self._step is not None and self._broken is None:
            self._broken = self._step

    @property
    def _led_to(self) -> bool:
        """Whether the last heading leads on to what comes now."""
        last = self._headings[-1] if self._headings else None
        return last is not None and last.level >= LEADING and not last.used

    def _begin(self, number: int | None, indent: int) -> None:
        """Begin an item; the first of a list of steps hangs on none before."""
        self._item = True
        self._step = indent if number is not None else None
        if number == 1 and self._resting:
            self._broken = None
        if number is not None:
            self._resting = False
        if self._broken is not None and indent < self._broken:
            self._broken = None

    def _end_list(self, level: int) -> None:
        """Begin a heading or a paragraph, which what led on to something else does not lead to."""
        self._item, self._step, self._resting = False, None, True
        self._level = LEADING
        if 0 < level <= BOLD:
            self._broken = None
            if self._led_to and self._headings[-1].level == LEADING:
                self._headings[-1].level = level - 1  # it leads to this section and those beside it
        used = any(each.used for each in self._headings if each.level >= LEADING)
        self.close(min(level, LEADING) if level else LEADING if used else TABLE)


def names(said: str) -> bool:
    """Whether a heading is short and no sentence: it says nothing by itself."""
    if _leads_on(said):
        return sum(word not in CONNECTING for word in content_words(said)) <= _MOST_WORDS
    asks = bool(_ASKS.match(said))
    most = _MOST_WORDS + 4 * asks
    return len(WORD.findall(said)) <= most and (asks or not _VERBS.search(said))


def _level(line: str) -> int:
    title = _TITLE.match(line)
    if title:
        return len(title.group(1))
    if _BOLD.match(line) and not _SENTENCE.search(line.rstrip(" *_")):
        return BOLD
    if _leads_on(line):
        return LEADING
    few = 1 <= len(WORD.findall(line)) <= _FEW_WORDS
    return SHORT if few and not _SENTENCE.search(line) else 0


def _leads_on(line: str) -> bool:
    return line.rstrip(" \t\r\n*_").endswith((":", "："))
