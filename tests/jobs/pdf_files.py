"""Real PDF files for tests, by fpdf2 and, for what it does not write, by hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from fpdf import FPDF
from fpdf.enums import EncryptionMethod


def pdf(
    *pages: str,
    title: str = "",
    user_password: str = "",
    owner_password: str = "",
) -> bytes:
    """A PDF with this text on its pages; encrypted (RC4) when it has an owner's password."""
    document = FPDF()
    if title:
        document.set_title(title)
    if owner_password:
        document.set_encryption(
            owner_password=owner_password,
            user_password=user_password or None,
            encryption_method=EncryptionMethod.RC4,
        )
    document.set_font("Helvetica", size=12)
    for text in pages:
        document.add_page()
        if text:
            document.multi_cell(0, 6, text)
        else:  # what a scan is to a parser: marks without characters
            document.rect(10, 10, 100, 100, style="F")
    return bytes(document.output())


def pdf_of_objects(objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
    """A PDF file of raw objects; the first is the catalog."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %b >>\n" % (len(objects) + 1, trailer)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def pdf_of_content(content: bytes, *, forms: Sequence[bytes] = (), trailer: bytes = b"") -> bytes:
    """One page with this content stream; form number n is the XObject /Fn."""
    names = b" ".join(b"/F%d %d 0 R" % (number, number + 6) for number in range(len(forms)))
    resources = b"<< /Font << /A 5 0 R >> /XObject << %b >> >>" % names
    return pdf_of_objects(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources %b >>"
            % resources,
            _stream(content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            *(
                _stream(form, b"/Type /XObject /Subtype /Form /Resources %b" % resources)
                for form in forms
            ),
        ],
        trailer=trailer,
    )


def _stream(content: bytes, entries: bytes = b"") -> bytes:
    packed = zlib.compress(content)
    return b"<< /Length %d /Filter /FlateDecode %b >>\nstream\n%b\nendstream" % (
        len(packed),
        entries,
        packed,
    )
