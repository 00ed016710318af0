"""Cuts an answer into sentences while it is being written, however its pieces are cut.

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
_CLOSING = r"[\"')”’」』）]{0,8}+"
_MARKERS = rf"(?:\s*+\[{_INDEXES}\]){{0,30}}+"
_END = re.compile(
    rf"(?:[.!?]{_CLOSING}{_MARKERS}\s++|[。！？｡]{_CLOSING}{_MARKERS}\s*+|\n\s*+)"
    r"(?=[^\s\[]|\[[^\d])"
)
"""The end of a sentence with the citations that follow it, once the next sentence has begun."""
_PERHAPS = re.compile(rf"(?:[.!?。！？｡]{_CLOSING}{_MARKERS}\s*+|\n\s*+)(?:\[[\d,\s]{{0,256}}+)?\Z")
"""What may turn out to be an end with the next piece."""
_GOES_ON = re.compile(
    r"(?<![\w.])(?:e\.g|i\.e|cf|vs|approx|incl)\.\Z|\A\s*\d{1,3}\.\Z", re.IGNORECASE
)
"""Full stops that end no sentence: of abbreviations, and of the numbers of a list."""
_ABBREVIATION = 8
"""Characters to look at, the one before the longest included."""


class Sentences:
    """Sentences with the white space and the citations after them; together they are the text."""

    __slots__ = ("_seen", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._seen = 0

    def of(self, piece: str) -> list[str]:
        """The sentences that are complete with this piece."""
        white = len(self._text) - len(self._text.rstrip())
        kept = len(self._text) - white
        text = self._text[:kept] + _LONG_GAP.sub(r"\1", self._text[kept:] + piece)
        found, start = [], 0
        for end in _END.finditer(text, self._seen):
            until = end.end()
            if _goes_on(text[start:until]):
                continue
            found.append(text[start:until])
            start = until
        waiting = _PERHAPS.search(text, max(start, self._seen))
        self._seen = (waiting.start() if waiting else len(text)) - start
        self._text = text[start:]
        return found

    def rest(self) -> str:
        """What is left when nothing more comes."""
        rest, self._text, self._seen = self._text, "", 0
        return rest


def _goes_on(sentence: str) -> bool:
    words = sentence.rstrip()
    return bool(_GOES_ON.search(words, max(0, len(words) - _ABBREVIATION)))
