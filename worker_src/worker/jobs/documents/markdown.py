"""Text of Markdown, by markdown-it-py: CommonMark with tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from worker.jobs.documents.document import Document
from worker.jobs.documents.fragment import write_fragment
from worker.jobs.documents.lines import Lines, one_line
from worker.outcomes import Reject

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_CHARACTERS = 2_000_000
"""Bounds time and memory: hostile brackets take 30 microseconds each. A long book has a million."""

_NO_EDGE = frozenset(
    [
        *("list_item_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
        *("tr_close", "td_close", "th_close"),
    ]
)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n((?:[^\n]*\n){1,200}?)---[ \t]*(?:\n|\Z)")
_FRONT_TITLE = re.compile(r"^title:[ \t]*([^\n]+)$", re.MULTILINE)


def read_markdown(source: str) -> Document:
    """Text with its headings, lists, tables and code; front matter gives the title and goes.

    Raises Reject when the document is longer than MAX_CHARACTERS or too deeply nested.
    """
    from markdown_it import MarkdownIt

    if len(source) > MAX_CHARACTERS:
        raise Reject(f"document: has more than {MAX_CHARACTERS:,} characters; split it")
    title = ""
    source = source.replace("\r\n", "\n")
    if front := _FRONT_MATTER.match(source):
        named = _FRONT_TITLE.search(front[1])
        title = one_line(named[1].strip(" \t\"'")) if named else ""
        source = source[front.end() :]
    try:
        tokens = MarkdownIt("commonmark").enable("table").parse(source)
    except RecursionError:
        raise Reject("document: is nested too deeply for Markdown; flatten its lists") from None
    lines = Lines()
    _write(tokens, lines)
    return Document(title=title or _first_heading(tokens), text=lines.build())


def _write(tokens: Sequence[Token], lines: Lines) -> None:
    for token in tokens:
        if token.type == "inline":
            _write_inline(token.children or (), lines)
        elif token.type in ("fence", "code_block"):
            lines.paragraph()
            lines.verbatim(token.content)
            lines.paragraph()
        elif token.type == "html_block":
            lines.paragraph()
            write_fragment(token.content, lines)
            lines.paragraph()
        elif token.type == "list_item_open":
            lines.item()
        elif token.type == "tr_open":
            lines.line()
        elif token.type in ("td_open", "th_open"):
            lines.cell()
        elif token.block and token.type not in _NO_EDGE:
            _block_edge(token, lines)


def _block_edge(token: Token, lines: Lines) -> None:
    if token.hidden:  # the paragraphs of a tight list
        if token.nesting < 0:
            lines.line()
    elif token.type != "paragraph_open" or token.level == 0:
        lines.paragraph()


def _write_inline(tokens: Sequence[Token], lines: Lines) -> None:
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            lines.inline(token.content)
        elif token.type == "softbreak":
            lines.inline(" ")
        elif token.type == "hardbreak":
            lines.line()
        elif token.type == "image":
            lines.inline(token.content)


def _first_heading(tokens: Sequence[Token]) -> str:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            lines = Lines()
            _write_inline(inline.children or (), lines)
            return one_line(lines.build())
    return ""
