"""Text of HTML pages, by beautifulsoup4 on the standard library's parser."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from worker.jobs.documents.document import Document
from worker.jobs.documents.fragment import UNSEEN, begin_or_end
from worker.jobs.documents.lines import Lines, one_line
from worker.outcomes import Reject

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import PageElement, Tag

MAX_TAGS = 200_000
"""A parsed element takes about a kilobyte, so a few megabytes of `<b>` would take gigabytes."""


def read_html(markup: str) -> Document:
    """The main text of a page: `<main>` where there is one, without scripts and navigation.

    Raises Reject when the page has more than MAX_TAGS tags or the parser gives up.
    """
    from bs4 import BeautifulSoup, UnusualUsageWarning
    from bs4.exceptions import ParserRejectedMarkup

    warnings.filterwarnings("ignore", category=UnusualUsageWarning)  # e.g. a page that is a URL
    if markup.count("<") > MAX_TAGS:
        raise Reject(f"document: has more than {MAX_TAGS:,} HTML tags; split it into smaller pages")
    try:
        soup = BeautifulSoup(_terminated(markup), "html.parser")
    except (ParserRejectedMarkup, RecursionError) as error:
        raise Reject(f"document: is not readable as HTML ({error}); repair its markup") from None
    lines = Lines()
    _write(soup.find("main") or soup.find("body") or soup, lines)
    return Document(title=_title(soup), text=lines.build())


def _terminated(markup: str) -> str:
    """The same page without constructs that never end.

    For each of them the standard library's parser reads to the end of the page and starts over
    behind its first character: quadratic time, minutes for 100 KB of `<a `. Newer versions of
    Python do better (https://github.com/python/cpython/issues/135462); instances and laptops may
    have any. A marked section becomes the comment up to the next `>` that HTML takes it for.
    """
    markup = markup.replace("<![", "<!_")
    comments_end = markup.rfind("-->") + 1
    markup = markup[:comments_end] + markup[comments_end:].replace("<!--", "&lt;!--")
    tags_end = markup.rfind(">") + 1
    return markup[:tags_end] + markup[tags_end:].replace("<", "&lt;")


def _write(root: Tag, lines: Lines) -> None:
    """Walk the tree without recursion: pages can be nested deeper than the stack allows."""
    from bs4.element import NavigableString, PreformattedString, Tag

    walk: list[tuple[Tag, int]] = [(root, 0)]
    pre = 0
    while walk:
        parent, index = walk.pop()
        if index == len(parent.contents):
            pre -= parent.name == "pre"
            begin_or_end(parent.name, lines, begins=False)
            continue
        walk.append((parent, index + 1))
        node: PageElement = parent.contents[index]
        if isinstance(node, Tag):
            if node.name in UNSEEN:
                continue
            if node.name == "img":
                lines.inline(str(node.get("alt") or ""))
            begin_or_end(node.name, lines, begins=True)
            pre += node.name == "pre"
            walk.append((node, 0))
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            (lines.verbatim if pre > 0 else lines.inline)(str(node))


def _title(soup: BeautifulSoup) -> str:
    for name in ("title", "h1", "h2"):
        found = soup.find(name)
        if found is not None and (title := one_line(found.get_text(" "))):
            return title
    return ""
