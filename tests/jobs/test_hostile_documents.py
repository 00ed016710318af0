"""Whatever the bytes, a reader gives a document or a reason, and never more than linear time."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.jobs.documents.document import Document
from worker.jobs.documents.formats import read
from worker.jobs.documents.fragment import fragment_text
from worker.outcomes import Reject

SUFFIXES = ("", ".json", ".html", ".md", ".txt", ".pdf")
TYPES = ("", "application/json", "text/html; charset=utf-16", "text/markdown; charset=x", "a/b")
PIECES = st.sampled_from(
    [
        *("<", ">", "</", "<!--", "-->", "<![", "]]>", "<?", "<a ", "href='", '"', "&", "&#", ";"),
        *("<p>", "</p>", "<script>", "</script>", "<main>", "<table><tr><td>", "<li>", "<title>"),
        *("# ", "* ", "- ", "> ", "1. ", "```\n", "`", "[", "](", "![", "**", "_", "| ", "\\"),
        *("{", "}", '{"a":', "[", "]", ",", "1e999", "null", '"\\ud800"', "---\n", "\n", "\n\n"),
        *("text", "ü", "\u2028", "\x0b", "\t", "%PDF-1.7\n", "trailer", "%%EOF", "\ufeff"),
    ]
)


def read_or_reject(body: bytes, key: str, content_type: str) -> Document | None:
    try:
        document = read(body, key=key, content_type=content_type)
    except Reject as rejected:
        assert rejected.reason
        return None
    assert document.text.strip()
    document.text.encode()
    assert "\n" not in document.title
    return document


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from(SUFFIXES), st.sampled_from(TYPES))
def test_any_bytes_give_a_document_or_a_reason(body: bytes, suffix: str, kind: str) -> None:
    read_or_reject(body, f"a{suffix}", kind)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=40), st.sampled_from(SUFFIXES), st.sampled_from(TYPES))
def test_any_markup_gives_a_document_or_a_reason(pieces: list[str], suffix: str, kind: str) -> None:
    read_or_reject("".join(pieces).encode(), f"a{suffix}", kind)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=40))
def test_any_fragment_has_a_text(pieces: list[str]) -> None:
    assert isinstance(fragment_text("".join(pieces)), str)


UNITS = (
    *("<", "<a ", "<a href='", "<!--", "<![CDATA[", "<?", "</", "<p>", "</p>", "<script>", "&#1"),
    *("[", "![", "[a](", "[a](<b", "*a_ ", "**a *b ", "`", "> ", "- ", "|", "[a]: b\n", "\\"),
    *("{", '"', "\t ", "\n", "a\u0301"),
)


@pytest.mark.parametrize(
    ("suffix", "size", "ends"),
    [
        (".html", 50_000, ("", ">", "-->")),
        (".md", 10_000, ("",)),
        (".json", 50_000, ("",)),
        (".txt", 50_000, ("",)),
    ],
)
def test_hostile_repetition_takes_linear_time(
    suffix: str, size: int, ends: tuple[str, ...]
) -> None:
    """Quadratic readers take half a minute for some of these; ours takes less than a second.

    The limit is far above that and in processor time, so that a busy machine does not matter.
    """
    for unit, end in product(UNITS, ends):
        body = (unit * (size // len(unit)) + end).encode()
        began = time.process_time()
        read_or_reject(body, f"a{suffix}", "")
        took = time.process_time() - began
        assert took < 10, f"{len(body)} bytes of {unit!r} with {end!r} took {took:.1f} s"
