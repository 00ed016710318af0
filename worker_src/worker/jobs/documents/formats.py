"""The door to all formats: which one a document has, and its text.

A document says what it is three times, and none is reliable: programs upload everything as
`application/octet-stream` (S3's own default is `binary/octet-stream`), browsers take the type from
the suffix, people rename files. So the order is: signatures of binary formats, which cannot lie;
a specific content type; the suffix of the key; the first characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from worker.jobs.documents.document import Document
from worker.jobs.documents.plain import decode
from worker.outcomes import Reject

PDF = "pdf"
JSON = "json"
HTML = "html"
MARKDOWN = "markdown"
PLAIN = "plain"

_BY_CONTENT_TYPE: Mapping[str, str] = {
    "application/json": JSON,
    "text/html": HTML,
    "application/xhtml+xml": HTML,
    "text/markdown": MARKDOWN,
    "text/x-markdown": MARKDOWN,
}
_BY_SUFFIX: Mapping[str, str] = {
    ".json": JSON,
    ".htm": HTML,
    ".html": HTML,
    ".xhtml": HTML,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": PLAIN,
    ".text": PLAIN,
}
_PDF_HEADER_WITHIN = 1024
"""Readers accept the header within the first kilobyte: ISO 32000, implementation notes."""
_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"{\\rtf", "a Rich Text document"),
)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([\w.:-]+)', re.IGNORECASE)
_JSON_START = re.compile(r'\{\s*["}]|\[\s*[\[{"\]]')
"""More than a bracket: links in Markdown and lines of logs begin with one too."""
_HTML_START = re.compile(r"(?:<!doctype\s+html|<html|<head|<body)\b", re.IGNORECASE)


def read(body: bytes, *, key: str, content_type: str) -> Document:
    """The text of a document, with its format among the attributes.

    Raises Reject naming the cause and the remedy when it is empty, binary, broken, encrypted or
    too large in any respect.
    """
    if not body.strip(b" \t\r\n\0"):
        raise Reject("document: is empty; upload it again with its content")
    if b"%PDF-" in body[:_PDF_HEADER_WITHIN]:
        kind, document = PDF, _read_pdf(body)
    else:
        _refuse_binary(body, content_type)
        text = decode(body, charset=_charset(content_type))
        kind = recognize(text, key=key, content_type=content_type)
        document = _READERS[kind](text)
    if not document.text.strip():
        raise Reject(f"document: holds no text ({kind}); upload one that does")
    return replace(document, attributes={"format": kind, **document.attributes})


def recognize(text: str, *, key: str, content_type: str) -> str:
    """The format of a text: by its content type, its key's suffix, its beginning."""
    essence = _essence(content_type)
    if essence.endswith("+json"):
        return JSON
    known = _BY_CONTENT_TYPE.get(essence) or _BY_SUFFIX.get(PurePosixPath(key).suffix.lower())
    return known or _by_beginning(text)


def _by_beginning(text: str) -> str:
    start = text[:1024].lstrip()
    if _HTML_START.match(start):
        return HTML
    if _JSON_START.match(start) and text.rstrip()[-1:] in ("}", "]"):
        return JSON
    return PLAIN


def _refuse_binary(body: bytes, content_type: str) -> None:
    if _essence(content_type) == "application/pdf":
        raise Reject(
            "document: its content type is application/pdf but it has no PDF header; upload the"
            " file itself, or correct its content type"
        )
    for signature, name in _SIGNATURES:
        if body.startswith(signature):
            raise Reject(
                f"document: is {name}, which is not read; upload it as PDF, HTML, Markdown, JSON"
                " or plain text"
            )


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _charset(content_type: str) -> str:
    declared = _CHARSET.search(content_type)
    return declared[1] if declared else ""


def _read_pdf(body: bytes) -> Document:
    from worker.jobs.documents.pdf import read_pdf

    return read_pdf(body)


def _read_json(text: str) -> Document:
    from worker.jobs.documents.service_json import read_json

    return read_json(text)


def _read_html(text: str) -> Document:
    from worker.jobs.documents.html import read_html

    return read_html(text)


def _read_markdown(text: str) -> Document:
    from worker.jobs.documents.markdown import read_markdown

    return read_markdown(text)


def _read_plain(text: str) -> Document:
    from worker.jobs.documents.plain import read_plain

    return read_plain(text)


_READERS: Mapping[str, Callable[[str], Document]] = {
    JSON: _read_json,
    HTML: _read_html,
    MARKDOWN: _read_markdown,
    PLAIN: _read_plain,
}
