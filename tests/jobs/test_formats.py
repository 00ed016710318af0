"""Which format a document has, what becomes of its text, and what is refused with a remedy."""

from __future__ import annotations

import codecs

import pytest

from worker.jobs.documents import formats, html, lines, markdown, service_json
from worker.jobs.documents.document import Document
from worker.jobs.documents.formats import read
from worker.outcomes import Reject

PAGE = "<!doctype html><title>T</title><body><p>a</p></body>"


def text_of(body: str | bytes, key: str = "a", content_type: str = "") -> Document:
    return read(
        body.encode() if isinstance(body, str) else body, key=key, content_type=content_type
    )


def refusal(body: str | bytes, key: str = "a", content_type: str = "") -> str:
    with pytest.raises(Reject) as rejected:
        text_of(body, key, content_type)
    assert rejected.value.reason.startswith("document: ")
    assert ";" in rejected.value.reason, "a remedy is missing"
    return rejected.value.reason


# --- which format ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "key", "content_type", "expected"),
    [
        ("# a", "a.md", "binary/octet-stream", "markdown"),
        ("# a", "a.md", "text/plain", "markdown"),
        ("# a", "a.MARKDOWN", "", "markdown"),
        ("# a", "a.txt", "text/markdown; charset=utf-8", "markdown"),
        ("# a", "a.txt", "text/plain", "plain"),
        ('{"a": "b"}', "a.json", "", "json"),
        ('{"a": "b"}', "a", "Application/JSON", "json"),
        ('{"a": "b"}', "a", "application/ld+json", "json"),
        ('{"a": "b"}', "a", "", "json"),
        ('[{"a": "b"}]', "a", "application/octet-stream", "json"),
        ("[a](b) is a link", "a", "", "plain"),
        ('{"a": 1}\n{"a": 2}\nend', "a.log", "", "plain"),
        (PAGE, "a.html", "", "html"),
        (PAGE, "a", "", "html"),
        (f"\n  {PAGE}", "a", "text/plain", "html"),
        (PAGE, "a.txt", "text/html", "html"),
        ("a", "archive.d/a", "", "plain"),
        ("a,b\n1,2", "a.csv", "text/csv", "plain"),
    ],
)
def test_content_type_then_suffix_then_beginning(
    body: str, key: str, content_type: str, expected: str
) -> None:
    assert text_of(body, key, content_type).attributes["format"] == expected


# --- encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("naïve".encode(), ""),
        ("naïve".encode("latin-1"), ""),
        (codecs.BOM_UTF8 + "naïve".encode(), ""),
        (codecs.BOM_UTF16_LE + "naïve".encode("utf-16-le"), ""),
        (codecs.BOM_UTF16_BE + "naïve".encode("utf-16-be"), ""),
        (codecs.BOM_UTF32_LE + "naïve".encode("utf-32-le"), ""),
        ("naïve".encode("utf-16-le"), "text/plain; charset=utf-16le"),
        ("naïve".encode(), "text/plain; charset=unknown"),
        ("naïve".encode(), 'text/plain; charset="idna"'),
    ],
)
def test_the_encoding_is_found(body: bytes, content_type: str) -> None:
    assert text_of(body, "a.txt", content_type).text == "naïve"


def test_a_declared_charset_is_used() -> None:
    assert text_of("日本".encode("shift_jis"), "a", "text/plain; charset=Shift_JIS").text == "日本"


def test_text_that_breaks_its_byte_order_mark_is_refused() -> None:
    assert "begins as utf-16-le but breaks" in refusal(codecs.BOM_UTF16_LE + b"\x00\xd8\x00\x00")


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b" \n\t ", b"\0\0\0\0"])
def test_an_empty_document_is_refused(body: bytes) -> None:
    assert "is empty" in refusal(body)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ("<html><script>a()</script></html>", "a.html"),
        ("[a]: http://b", "a.md"),
        ("{}", "a.json"),
        ("---\ntitle: a\n---\n", "a.md"),
    ],
)
def test_a_document_without_text_is_refused(body: str, key: str) -> None:
    assert "holds no text" in refusal(body, key)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x1f\x8brest", "gzip"),
        (b"\x89PNG\r\n\x1a\nrest", "PNG"),
        (b"\xff\xd8\xffrest", "JPEG"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "Office"),
        (bytes(range(256)) * 4, "binary data"),
        (b"text\0with a null", "binary data"),
    ],
)
def test_binary_data_is_refused_by_name(body: bytes, name: str) -> None:
    assert name in refusal(body, "a.txt", "text/plain")


def test_a_pdf_in_name_only_is_refused() -> None:
    assert "no PDF header" in refusal("text", "a.pdf", "application/pdf")


def test_broken_json_is_refused_with_its_place() -> None:
    assert "line 2, column 1" in refusal('{"a": 1,\n]', "a.json")


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100 + "1" + "}" * 100, "9" * 10_000])
def test_json_that_exhausts_the_parser_is_refused(body: str) -> None:
    assert refusal(body, "a.json")


def test_text_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines.MAX_TEXT_CHARACTERS * 4 < 50_000_000, "a knowledge base accepts 50 MB"
    refused = lines.Lines(limit=10)
    refused.inline("0123456789")
    with pytest.raises(Reject, match="more than 10 characters"):
        refused.inline("0")
    monkeypatch.setattr(markdown, "MAX_CHARACTERS", 10)
    assert "more than 10 characters" in refusal("0123456789a", "a.md")
    monkeypatch.setattr(service_json, "MAX_CHARACTERS", 10)
    assert "more than 10 characters of JSON" in refusal('{"a": "bcd"}', "a.json")
    monkeypatch.setattr(html, "MAX_TAGS", 10)
    assert "more than 10 HTML tags" in refusal("<b>a" * 11, "a.html")


# --- text -----------------------------------------------------------------------------------------


def test_markdown_becomes_text_with_its_structure() -> None:
    document = text_of(
        "---\ntitle: 'Front'\n---\n# Head *line*\n\nA [link](b) and `code`\nwrapped.\n\n"
        "- one\n- two\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n```\nx  = 1\n```\n"
        "<p>in <b>HTML</b></p>\n",
        "a.md",
    )
    assert document.title == "Front"
    assert document.text == (
        "Head line\n\nA link and code wrapped.\n\n- one\n- two\n\na | b\n1 | 2\n\nx  = 1\n\nin HTML"
    )


def test_the_first_heading_of_markdown_is_its_title() -> None:
    assert text_of("a\n\n## The *title*\n", "a.md").title == "The title"


def test_html_becomes_its_main_text() -> None:
    document = text_of(
        "<html><head><title>The &amp; title</title><style>p{}</style></head><body>"
        "<nav>menu</nav><main><h1>Head</h1><p>One\n two<br>three</p><!-- no -->"
        "<ul><li>a<li>b</ul><pre>x  = 1</pre><table><tr><th>k</th><td>v</td></tr></table>"
        "<script>no()</script><img alt='a picture'></main><footer>foot</footer></body></html>",
        "a.html",
    )
    assert document.title == "The & title"
    assert document.text == ("Head\n\nOne two\nthree\n\n- a\n- b\n\nx  = 1\n\nk | v\n\na picture")


def test_html_keeps_what_follows_an_unclosed_comment_in_a_script() -> None:
    document = text_of("<p>a</p><script>b('<!--')</script><p>c</p>", "a.html")
    assert document.text == "a\n\nc"


def test_html_survives_any_depth() -> None:
    assert text_of(f"{'<div>' * 20_000}deep", "a.html").text == "deep"


@pytest.mark.parametrize("page", ["http://a.example/b", "<?xml version='1.0'?><p>a", "a.html"])
def test_odd_html_is_read_without_a_word_in_the_logs(
    page: str, recwarn: pytest.WarningsRecorder
) -> None:
    assert text_of(page, "a.html").text
    assert not recwarn.list


def test_marked_sections_of_html_are_comments() -> None:
    document = text_of("a<![if !IE]>b<![endif]>c<!--[if IE]>no<![endif]-->d", "a.html")
    assert document.text == "abcd"


def test_plain_text_is_cleaned() -> None:
    document = text_of(
        "  A title \r\n\r\n\r\n\r\nText\t\r\nwith\x0cends\x01 \ufeffmarks\n\n", "a.txt"
    )
    assert document.title == "A title"
    assert document.text == "  A title\n\nText\nwith\nends marks"


def test_other_json_becomes_an_outline() -> None:
    document = text_of('{"title": "T", "a": [{"b": 1}, {"b": null}, "c"], "d": true}', "a.json")
    assert document.title == "T"
    assert document.text == "title: T\na.b: 1\na: c\nd: true"


def test_service_documentation_becomes_prose() -> None:
    document = text_of(
        """{"service": {"id": "SQS", "name": "Amazon SQS", "apiVersion": "1"},
        "operation": {"name": "SendMessage",
                      "documentation": "<p>Sends a <code>message</code>.</p>"},
        "input": [{"name": "Body", "type": "string", "required": true,
                   "documentation": "<p>The text.</p>"},
                  {"name": "Attributes", "type": "map of structure",
                   "members": [{"name": "Type", "type": "string"}]}, 7],
        "output": "odd",
        "errors": [{"name": "TooLong",
                    "documentation": "<p>It was.</p><ul><li>very</li></ul>"}]}""",
        "a.json",
    )
    assert document.title == "SendMessage - Amazon SQS"
    assert document.attributes == {
        "format": "json",
        "service": "SQS",
        "service_name": "Amazon SQS",
        "operation": "SendMessage",
    }
    assert document.text == (
        "SendMessage - Amazon SQS\n\nSends a message.\n\nRequest members:\n"
        "- Body (string, required): The text.\n\n- Attributes (map of structure):\n"
        "- Attributes.Type (string):\n\nErrors:\n- TooLong: It was.\n\n- very"
    )


def test_the_overview_of_a_service_lists_its_operations() -> None:
    document = text_of(
        '{"service": {"id": "SQS", "name": "Amazon SQS"}, "documentation": "<p>Queues.</p>",'
        ' "operations": ["SendMessage", 3, "ReceiveMessage"]}',
        "a.json",
    )
    assert document.title == "Amazon SQS"
    assert document.text == "Amazon SQS\n\nQueues.\n\nOperations: SendMessage, ReceiveMessage."


def test_every_known_format_has_a_reader() -> None:
    known = {*formats._BY_CONTENT_TYPE.values(), *formats._BY_SUFFIX.values(), formats.PLAIN}
    assert known == set(formats._READERS)
