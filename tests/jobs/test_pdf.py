"""PDF: the text of real files, and a bounded answer to broken and hostile ones."""

from __future__ import annotations

import random
import time

import pytest

from tests.jobs.pdf_files import pdf, pdf_of_content, pdf_of_objects
from worker.jobs.documents import pdf as pdf_reader
from worker.jobs.documents.document import Document
from worker.jobs.documents.formats import read
from worker.outcomes import Reject


def refusal(body: bytes) -> str:
    with pytest.raises(Reject) as rejected:
        read(body, key="a.pdf", content_type="application/pdf")
    assert rejected.value.reason.startswith("document: ")
    assert ";" in rejected.value.reason, "a remedy is missing"
    return rejected.value.reason


def text_of(body: bytes) -> Document:
    return read(body, key="a", content_type="binary/octet-stream")


def test_every_page_is_read_and_the_title_kept() -> None:
    document = text_of(pdf("First page.", "Second page.", title="A report"))
    assert document.text == "First page.\n\nSecond page."
    assert document.title == "A report"
    assert document.attributes == {"format": "pdf"}


def test_long_text_arrives_whole() -> None:
    words = [f"word{number}" for number in range(3000)]
    assert text_of(pdf(" ".join(words))).text.split() == words


def test_a_header_after_some_junk_is_found() -> None:
    assert text_of(b"\r\n\r\n" + pdf("Text.")).text == "Text."


def test_a_file_that_only_restricts_printing_is_read() -> None:
    assert text_of(pdf("Text.", owner_password="owner")).text == "Text."


def test_a_file_with_a_password_is_refused() -> None:
    reason = refusal(pdf("Text.", owner_password="owner", user_password="user"))
    assert "is an encrypted PDF; remove its password" in reason


def test_a_file_encrypted_with_aes_is_refused() -> None:
    """The bundle has no native package for AES, so it cannot be read even without a password."""
    encrypt = (
        b"/Encrypt << /Filter /Standard /V 5 /R 6 /Length 256 /P -4 /StmF /StdCF /StrF /StdCF"
        b" /CF << /StdCF << /CFM /AESV3 /Length 32 /AuthEvent /DocOpen >> >>"
        b" /O <%b> /U <%b> /OE <%b> /UE <%b> /Perms <%b> >> /ID [<00> <00>]"
        % (b"00" * 48, b"00" * 48, b"00" * 32, b"00" * 32, b"00" * 16)
    )
    body = pdf_of_content(b"BT /A 12 Tf (Text) Tj ET", trailer=encrypt)
    assert "encrypted" in refusal(body)


def test_a_scan_is_refused_with_its_remedy() -> None:
    assert "without text (a scan?); run text recognition" in refusal(pdf("", ""))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_read_in_part_or_refused(share: float) -> None:
    body = pdf(*["Text of a page."] * 3)
    try:
        assert "Text" in text_of(body[: int(len(body) * share)]).text
    except Reject as rejected:
        assert "PDF" in rejected.reason


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7",
        b"%PDF-1.7\n%%EOF",
        pdf_of_objects([b"<< /Type /Catalog >>"]),
        pdf_of_objects([b"<< /Type /Catalog /Pages 1 0 R >>"]),
        pdf_of_objects(
            [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]
        ),
        b"%PDF-1.7\n" + b"1 0 obj\n<<\n" * 5_000,
        b"%PDF-1.7\n" + b"[" * 50_000,
    ],
)
def test_a_file_without_a_document_is_refused(body: bytes) -> None:
    assert refusal(body)


def test_too_many_pages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_reader, "MAX_PAGES", 2)
    assert "has 3 pages, at most 2 are read; split it" in refusal(pdf("a", "b", "c"))


def test_a_decompression_bomb_is_refused() -> None:
    bomb = pdf_of_content(b" " * (pdf_reader.MAX_STREAM_BYTES + 1))
    assert len(bomb) < 100_000
    assert "page 1 is not readable (LimitReachedError" in refusal(bomb)


def test_a_page_of_too_many_operators_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_reader, "MAX_STREAM_TOKENS", 5_000)
    bomb = pdf_of_content(b"q Q " * 5_000)
    assert "page 1 is not readable (LimitReachedError" in refusal(bomb)


def test_time_is_kept_within_a_page_and_inside_its_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms that show forms: ten levels of ten make ten thousand million from one kilobyte."""
    forms = [b"/F%d Do " % (number + 1) * 10 for number in range(10)]
    forms.append(b"BT /A 12 Tf (x) Tj ET " * 2_000)
    monkeypatch.setattr(pdf_reader, "MAX_SECONDS", 0.2)
    began = time.process_time()
    reason = refusal(pdf_of_content(b"/F0 Do", forms=forms))
    assert "reading its text takes longer than 0.2 seconds (page 1)" in reason
    assert time.process_time() - began < 20


def test_any_damage_gives_text_or_a_reason() -> None:
    body = pdf("The text of the first page.", "And of the second.", title="Title")
    chance = random.Random(20261124)
    for _ in range(150):
        damaged = bytearray(body)
        for _ in range(chance.choice((1, 3, 30))):
            damaged[chance.randrange(9, len(damaged))] = chance.randrange(256)
        try:
            assert text_of(bytes(damaged)).text
        except Reject as rejected:
            assert rejected.reason
