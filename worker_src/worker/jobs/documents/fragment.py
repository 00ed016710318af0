"""Text of HTML fragments: the few tags of AWS service documentation and of HTML inside Markdown.

Whole pages go through beautifulsoup4 (`html.py`), which forgives anything but takes a millisecond
per kilobyte. A service document holds dozens of short well-formed fragments, and one pass of a
regular expression over them takes a fiftieth of that. Linear time on any input.
"""

from __future__ import annotations

import html
import re

from worker.jobs.documents.lines import Lines

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>")

PARAGRAPHS = frozenset(
    [
        *("address", "article", "aside", "blockquote", "body", "caption", "details", "div"),
        *("dl", "fieldset", "figure", "footer", "form", "fullname", "h", "h1"),
        *("h2", "h3", "h4", "h5", "h6", "header", "hr", "important"),
        *("main", "note", "ol", "p", "pre", "section", "table", "ul"),
    ]
)
LINES = frozenset(("br", "dd", "dt", "figcaption", "option", "summary", "tr"))
CELLS = frozenset(("td", "th"))
UNSEEN = frozenset(
    [
        *("head", "iframe", "math", "nav", "noscript"),
        *("object", "script", "style", "svg", "template"),
    ]
)


def write_fragment(markup: str, lines: Lines) -> None:
    """Add the text of an HTML fragment to `lines`."""
    if "<" not in markup:
        lines.inline(html.unescape(markup))
        return
    markup = _without_comments(markup)
    position = 0
    unseen: str | None = None
    for tag in _TAG.finditer(markup):
        if unseen is None and tag.start() > position:
            lines.inline(html.unescape(markup[position : tag.start()]))
        position = tag.end()
        name = tag[2].lower()
        if unseen is not None:
            unseen = None if tag[1] and name == unseen else unseen
        elif name in UNSEEN:
            unseen = None if tag[1] or tag[3].endswith("/") else name
        else:
            begin_or_end(name, lines, begins=not tag[1])
    if unseen is None:
        lines.inline(html.unescape(markup[position:]))


def begin_or_end(name: str, lines: Lines, *, begins: bool) -> None:
    """What the start or end of an element does to the layout."""
    if name in PARAGRAPHS:
        lines.paragraph()
    elif name == "li":
        if begins:
            lines.item()
        else:
            lines.line()
    elif name in LINES:
        lines.line()
    elif name in CELLS and begins:
        lines.cell()


def fragment_text(markup: str) -> str:
    """The text of an HTML fragment."""
    lines = Lines()
    write_fragment(markup, lines)
    return lines.build()


def _without_comments(markup: str) -> str:
    if "<!--" not in markup:
        return markup
    kept = []
    position = 0
    while (start := markup.find("<!--", position)) >= 0:
        kept.append(markup[position:start])
        end = markup.find("-->", start + 4)
        position = len(markup) if end < 0 else end + 3
    kept.append(markup[position:])
    return "".join(kept)
