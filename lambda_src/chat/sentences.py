"""Cuts an answer into sentences while it is being written, however its pieces are cut. A fenced
block of code is one unit, and so is a table, with the citations after it.

Each place is looked at a bounded number of times, and runs of white space are cut to a bounded
length, so that the time grows with the length of the answer whatever a model writes.
"""

from __future__ import annotations

import re

LONGEST_GAP = 64
"""Of the white space between two words, as much as is kept: more than code is indented by."""
_INDEXES = r"\d{1,3}(?:\s{0,2},\s{0,2}\d{1,3}){0,30}"
MARKER = re.compile(rf"[ \t]*\[({_INDEXES})\]")
"""Citations: the indexes of documents in square brackets."""
_LONG_GAP = re.compile(rf"(\s{{{LONGEST_GAP}}})\s+")
_CLOSING = r"[\"')*_”’」』）]{0,8}+"
_MARKERS = rf"(?:\s*+\[{_INDEXES}\]){{0,30}}+"
_NEXT = r"(?=[^\s\[]|\[[^\d])"
_PERHAPS_MARKED = r"(?:\[[\d,\s]{0,256}+)?\Z"
_CLOSED = r"\n[ \t]{0,64}+(?:`{3,64}+|~{3,64}+)[ \t]{0,64}+"
_SENTENCE = (
    re.compile(
        rf"(?:[.!?]{_CLOSING}{_MARKERS}\s++|[。！？｡]{_CLOSING}{_MARKERS}\s*+|\n\s*+){_NEXT}"
    ),
    re.compile(rf"(?:[.!?。！？｡]{_CLOSING}{_MARKERS}\s*+|\n\s*+){_PERHAPS_MARKED}"),
)
_CODE = (
    re.compile(rf"{_CLOSED}(?=[\n\[]){_MARKERS}\s*+{_NEXT}"),
    re.compile(rf"\n[ \t]{{0,64}}+[`~]{{0,64}}+[ \t]{{0,64}}+{_MARKERS}\s*+{_PERHAPS_MARKED}"),
)
_TABLE = (
    re.compile(rf"\n{_MARKERS}\s*+(?!\|){_NEXT}"),
    re.compile(rf"\n{_MARKERS}\s*+{_PERHAPS_MARKED}"),
)
"""Of each kind the end with the citations that follow it, once the next has begun, and what may
turn out to be one with the next piece."""
_BLOCK = re.compile(r"[ \t]{0,130}+(?:(```|~~~)|(\|))")
_GOES_ON = re.compile(
    r"(?<![\w.])(?:(?:e\.g|i\.e|cf|vs|approx|incl|mr|mrs|ms|dr|prof|nr|inc|ltd|corp|co|fig|sec|abs|art"
    r"|bzw|ca|vgl|ggf|evtl|inkl|zzgl|st)|(?-i:[^\W\d_]|\w\.[^\W\d_])|\d{1,2})\.\Z",
    re.IGNORECASE,
)
"""Full stops that end no sentence of a line: of abbreviations and single letters, which may be
initials, and of ordinals, `3. Mai`."""
_LABEL = re.compile(r"\A\s*\d{1,3}\.\Z")
"""And that of the number of an item in a list, even at the end of a line."""
_ABBREVIATION = 8
"""Characters to look at, the one before the longest included."""


class Sentences:
    """Sentences with the white space and the citations after them; together they are the text."""

    __slots__ = ("_fresh", "_seen", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._seen = 0
        self._fresh = True

    def of(self, piece: str) -> list[str]:
        """The units that are complete with this piece."""
        white = len(self._text) - len(self._text.rstrip())
        kept = len(self._text) - white
        text = self._text[:kept] + _LONG_GAP.sub(r"\1", self._text[kept:] + piece)
        found, start, seen = [], 0, self._seen
        while True:
            ends, perhaps = self._kind(text, start)
            end = ends.search(text, seen)
            if end is None:
                break
            seen = end.end()
            if ends is _SENTENCE[0] and _goes_on(text, start, end):
                continue
            found.append(text[start:seen])
            start = seen
            self._fresh = "\n" in end.group()
        waiting = perhaps.search(text, seen)
        self._seen = (waiting.start() if waiting else len(text)) - start
        self._text = text[start:]
        return found

    def rest(self) -> str:
        """What is left when nothing more comes."""
        rest, self._text, self._seen, self._fresh = self._text, "", 0, True
        return rest

    def _kind(self, text: str, start: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
        match = _BLOCK.match(text, start) if self._fresh else None
        if match is None:
            return _SENTENCE
        return _CODE if match.group(1) else _TABLE


def whole(text: str) -> str:
    """A text that was cut off, without the sentence that it does not end."""
    return "".join(Sentences().of(text))


def _goes_on(text: str, start: int, end: re.Match[str]) -> bool:
    """Whether a full stop ends no sentence: an abbreviation's, or before a small letter or a digit
    of the same line. One beside a citation does.
    """
    at = end.start()
    if text[at] != ".":
        return False
    if "\n" in end.group():
        return bool(_LABEL.search(text[start : at + 1][:8]))
    if "[" in end.group() or text[at - 1 : at] == "]":
        return False
    following = text[end.end()]
    return (
        following.islower()
        or (following.isdigit() and following.isascii())
        or bool(_GOES_ON.search(text, max(start, at - _ABBREVIATION), at + 1))
    )
