"""Text of plain files: find the encoding, refuse what is not text."""

from __future__ import annotations

import codecs
import re

from worker.jobs.documents.document import Document
from worker.jobs.documents.lines import Lines, clean, one_line
from worker.outcomes import Reject

# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSETS = re.compile(
    r"utf-(8|16)(-[bl]e)?|cp125\d|iso8859-\d+|koi8-[ru]|big5|gb2312|gbk|gb18030|euc[-_](jp|kr)"
    "|shift_jis|cp932"
)
"""The encodings of documents. Python knows others, such as `idna`, that take quadratic time."""
_CONTROLS = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
MAX_CONTROL_SHARE = 0.02
"""Text read as Latin-1 has next to no control characters; random bytes have a fifth."""


def decode(body: bytes, *, charset: str = "") -> str:
    """The text of a file: by its byte order mark, its declared charset, else UTF-8, else Latin-1.

    A charset that is unknown or does not fit is ignored: servers declare what they please. Latin-1
    decodes any bytes, so text with NUL or many control characters is refused as binary.
    Raises Reject.
    """
    text = _by_mark(body)
    if text is None:
        text = _by_charset(body, charset)
    if text is None:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            text = body.decode("latin-1")
    if "\0" in text or len(_CONTROLS.findall(text)) > 2 + MAX_CONTROL_SHARE * len(text):
        raise Reject(
            "document: is binary data of no known format; upload it as PDF, HTML, Markdown,"
            " JSON or plain text"
        )
    return text


def _by_mark(body: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            try:
                return body[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise Reject(
                    f"document: begins as {encoding} but breaks at byte {error.start};"
                    " save it as UTF-8 and upload it again"
                ) from None
    return None


def _by_charset(body: bytes, charset: str) -> str | None:
    try:
        name = codecs.lookup(charset).name if charset else ""
        return body.decode(name) if _CHARSETS.fullmatch(name) else None
    except (LookupError, ValueError):
        return None


def read_plain(text: str) -> Document:
    """The text as it is, cleaned; its first line is its title."""
    lines = Lines()
    lines.verbatim(clean(text))
    built = lines.build()
    return Document(title=one_line(built.lstrip().partition("\n")[0]), text=built)
