"""Builds text from inline runs, blocks, list items and table cells: the layout of all formats.

A knowledge base splits text into chunks by size, so what matters is that paragraphs stay
paragraphs, list items stay on their own lines, and no run of blanks wastes tokens.
"""

from __future__ import annotations

import re

from worker.outcomes import Reject

MAX_TEXT_CHARACTERS = 10_000_000
"""Bounds a decompression bomb, and keeps the text below the 50 MB that a knowledge base accepts
per file even when each character takes four bytes:
https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-ds.html"""

_BLANKS = re.compile(r"\s+")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_EMPTY_LINES = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """Text with one kind of line end, no control characters, no trailing blanks, and valid UTF-8.

    Every step takes linear time whatever the input. Canonical composition (NFC) is left out: it
    takes quadratic time on long runs of combining marks.
    """
    text = _NOT_TEXT.sub("", _LINE_ENDS.sub("\n", text))
    text = _SURROGATES.sub("\ufffd", text)
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    return _EMPTY_LINES.sub("\n\n", text).strip("\n")


def one_line(text: str, *, limit: int = 200) -> str:
    """Text on one line of at most `limit` characters: a title."""
    return _BLANKS.sub(" ", clean(text[: limit * 8])).strip()[:limit].rstrip()


class Lines:
    """Collects text; refuses more than `MAX_TEXT_CHARACTERS`."""

    def __init__(self, *, limit: int = MAX_TEXT_CHARACTERS) -> None:
        self._parts: list[str] = []
        self._room = limit
        self._limit = limit
        self._at_start = True
        self._in_row = False

    def inline(self, text: str) -> None:
        """Running text: blanks count as one, and none begin a line."""
        text = _BLANKS.sub(" ", text)
        if self._at_start:
            text = text.lstrip()
        if text:
            self._add(text)

    def verbatim(self, text: str) -> None:
        """Text whose blanks and line ends matter: code."""
        if text:
            self._add(text)

    def line(self) -> None:
        """Begin a new line, unless one has just begun."""
        if not self._at_start:
            self._end("\n")

    def paragraph(self) -> None:
        """Begin a new paragraph."""
        self._end("\n\n")

    def item(self) -> None:
        """Begin a list item."""
        self.line()
        self._add("- ")
        self._at_start = True

    def cell(self) -> None:
        """Begin a table cell; the first of a row needs no separator."""
        if self._in_row and not self._at_start:
            self._add(" | ")
            self._at_start = True
        self._in_row = True

    def build(self) -> str:
        """The clean text."""
        return clean("".join(self._parts))

    def _end(self, ends: str) -> None:
        self._parts.append(ends)
        self._at_start = True
        self._in_row = False

    def _add(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise Reject(
                f"document: holds more than {self._limit:,} characters of text;"
                " split it and upload the parts"
            )
        self._parts.append(text)
        self._at_start = False
