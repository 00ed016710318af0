"""Text of PDF files, by pypdf, inside bounds that a hostile file cannot leave.

pypdf limits what a stream may decode to, how deep page trees go and how much a page may parse
(https://pypdf.readthedocs.io/en/stable/user/security.html). Its defaults suit a program that has
the machine to itself; a worker runs many threads, so they are lowered here, and pages, text and
time are bounded too.
"""

from __future__ import annotations

import io
import logging
import time
from typing import TYPE_CHECKING

from worker.jobs.documents.document import Document
from worker.jobs.documents.lines import Lines, clean, one_line
from worker.outcomes import Reject

if TYPE_CHECKING:
    from pypdf import Configuration, PageObject, PdfReader

MAX_PAGES = 3_000
MAX_STREAM_BYTES = 20_000_000
"""Decoded bytes of one stream: a page of dense text takes about 0.1 MB."""
MAX_STREAM_TOKENS = 500_000
"""Operators and operands of one content stream: a page of dense text has about 10,000."""
MAX_FORMS_PER_PAGE = 500
MAX_TREE_ENTRIES = 20_000
MAX_SECONDS = 120.0
"""Time for one file, looked at between the operators of a page; a page of text takes 20 ms."""

_REMEDY = "save it again from the program that wrote it (print to PDF), or upload its text"


def read_pdf(body: bytes) -> Document:
    """The text of every page, pages apart.

    Raises Reject when the file is encrypted, broken, too large in pages, text or time, or holds
    no text at all (a scan).
    """
    from pypdf import apply_configuration

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        with apply_configuration(_limits()):
            return _read(body)
    except (Reject, MemoryError):
        raise
    except Exception as error:  # pypdf raises whatever a broken file leads its parser into
        raise _unreadable("the PDF", error) from None


def _limits() -> Configuration:
    from pypdf import Configuration

    return Configuration(
        maximum_declared_stream_length=MAX_STREAM_BYTES,
        array_based_stream_maximum_output_length=MAX_STREAM_BYTES,
        lzw_maximum_output_length=MAX_STREAM_BYTES,
        run_length_maximum_output_length=MAX_STREAM_BYTES,
        zlib_maximum_output_length=MAX_STREAM_BYTES,
        zlib_maximum_recovery_input_length=1_000_000,
        brotli_maximum_output_length=MAX_STREAM_BYTES,
        stream_filters_maximum_length=4,
        stream_decoding_work_maximum_length=3 * MAX_STREAM_BYTES,
        stream_parsing_work_maximum_count=MAX_STREAM_TOKENS,
        page_tree_maximum_entries=MAX_TREE_ENTRIES,
        page_tree_maximum_page_entries=10 * MAX_TREE_ENTRIES,
        xform_maximum_invocations_per_extraction=MAX_FORMS_PER_PAGE,
        jbig2dec_binary=None,
        disable_legacy_handling=True,
    )


def _read(body: bytes) -> Document:
    deadline = time.monotonic() + MAX_SECONDS
    reader = _open(body)
    pages = len(reader.pages)
    if pages > MAX_PAGES:
        raise Reject(f"document: has {pages:,} pages, at most {MAX_PAGES:,} are read; split it")
    lines = Lines()
    for number, page in enumerate(reader.pages, start=1):
        lines.verbatim(clean(_page_text(page, number, deadline)))
        lines.paragraph()
    text = lines.build()
    if not text.strip():
        raise Reject(
            "document: is a PDF without text (a scan?); run text recognition (OCR) on it"
            " and upload the result"
        )
    return Document(title=_title(reader), text=text)


def _open(body: bytes) -> PdfReader:
    """Files that only restrict printing or copying open with the empty password.

    AES needs a native package that the bundle does not carry; pypdf says so by DependencyError.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    try:
        reader = PdfReader(io.BytesIO(body), xref_stream_maximum_entries=500_000)
        if not reader.is_encrypted or reader.decrypt(""):
            return reader
    except DependencyError:
        pass
    raise Reject("document: is an encrypted PDF; remove its password and upload it again")


def _page_text(page: PageObject, number: int, deadline: float) -> str:
    def keep_time(*_: object) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError

    try:
        keep_time()
        text = page.extract_text(visitor_operand_before=keep_time)
        keep_time()  # what a form on the page raises, pypdf logs and drops
    except TimeoutError:
        raise Reject(
            f"document: reading its text takes longer than {MAX_SECONDS:g} seconds"
            f" (page {number}); split it, or upload its text"
        ) from None
    except MemoryError:
        raise
    except Exception as error:
        raise _unreadable(f"page {number}", error) from None
    return text


def _title(reader: PdfReader) -> str:
    try:
        title = reader.metadata.title if reader.metadata else None
        return one_line(title) if isinstance(title, str) else ""
    except Exception:  # a broken title is no reason to lose the text
        return ""


def _unreadable(what: str, error: Exception) -> Reject:
    message = one_line(f"{type(error).__name__}: {error}")
    return Reject(f"document: {what} is not readable ({message}); {_REMEDY}")
