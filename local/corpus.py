"""The demo's corpus: AWS's own service documentation, as it ships inside botocore.

One JSON document per operation and per service, in the shape that the demo's job reads
(`worker.jobs.documents.service_json`), and per service one overview in another format, in turn
Markdown, HTML, plain text and PDF, so that every format meets real text. The order and every byte
follow from the installed botocore (Apache-2.0) alone: two runs upload the same objects.

Made one service at a time: the first document costs milliseconds, 20,000 of them seconds.
"""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

PREFIX = "incoming/"
"""Uploads below it become messages (the fleet stack's event rule)."""
MEMBER_LEVELS = 2
"""Levels of members that an operation's document describes; shapes may contain themselves."""
PDF_CHARACTERS = 6_000
"""Text of one PDF: about two pages, as fpdf2 takes 10 ms for each."""

_TAGS = re.compile(r"<[^<>]*>")
_BLOCKS = re.compile(r"</?(?:p|li|ul|ol|dl|dd|dt|h\d|note|important|br|div|table|tr)\b[^<>]*>")
_BLANKS = re.compile(r"\s+")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusDocument:
    """One object to upload."""

    key: str
    body: bytes
    content_type: str


def documents(
    limit: int | None = None, *, services: Collection[str] | None = None
) -> Iterator[CorpusDocument]:
    """The corpus in its fixed order, at most `limit` documents of it, or of some services alone."""
    return islice(_documents(services), limit)


def _documents(services: Collection[str] | None) -> Iterator[CorpusDocument]:
    for path, overview in zip(models(), cycle(_OVERVIEWS), strict=False):
        if services is not None and path.parent.parent.name not in services:
            continue
        model = json.loads(gzip.decompress(path.read_bytes()))
        folder = f"{PREFIX}{path.parent.parent.name}/"
        service = _service(model)
        names = sorted(model["operations"])
        yield _json_document(
            f"{folder}service.json",
            {
                "service": service,
                "documentation": model.get("documentation", ""),
                "operations": names,
            },
        )
        yield overview(folder, service["name"], model.get("documentation", ""), names)
        shapes = _Shapes(model["shapes"])
        for name in names:
            content = _operation(service, model["operations"][name], shapes)
            yield _json_document(f"{folder}{name}.json", content)


def models() -> list[Path]:
    """The newest model of every service, by the service's name."""
    import botocore

    data = Path(botocore.__file__).parent / "data"
    newest = {path.parent.parent: path for path in sorted(data.glob("*/*/service-2.json.gz"))}
    return [newest[service] for service in sorted(newest)]


def _service(model: Json) -> dict[str, str]:
    metadata = model["metadata"]
    return {
        "id": metadata.get("serviceId", metadata["endpointPrefix"]),
        "name": metadata["serviceFullName"],
        "apiVersion": metadata["apiVersion"],
    }


def _operation(service: Json, operation: Json, shapes: _Shapes) -> dict[str, Any]:
    content: dict[str, Any] = {
        "service": service,
        "operation": {
            "name": operation["name"],
            "documentation": operation.get("documentation", ""),
        },
    }
    for side in ("input", "output"):
        if side in operation:
            content[side] = shapes.members(operation[side]["shape"], MEMBER_LEVELS)
    if operation.get("errors"):
        content["errors"] = [shapes.error(error["shape"]) for error in operation["errors"]]
    return content


class _Shapes:
    """Members of a service's shapes; each is worked out once, as most are used many times."""

    def __init__(self, shapes: Json) -> None:
        self._shapes = shapes
        self._known: dict[tuple[str, int], list[dict[str, Any]]] = {}

    def members(self, name: str, levels: int) -> list[dict[str, Any]]:
        """The members of a structure, with theirs for as many levels."""
        known = self._known.get((name, levels))
        if known is None:
            shape = self._shapes[name]
            required = frozenset(shape.get("required", ()))
            known = self._known[name, levels] = [
                self._member(each, target, required=each in required, levels=levels)
                for each, target in shape.get("members", {}).items()
            ]
        return known

    def error(self, name: str) -> dict[str, Any]:
        """An error by name."""
        return {"name": name, "documentation": self._shapes[name].get("documentation", "")}

    def _member(self, name: str, target: Json, *, required: bool, levels: int) -> dict[str, Any]:
        shape = self._shapes[target["shape"]]
        kind, inner = self._type(target["shape"])
        member: dict[str, Any] = {"name": name, "type": kind}
        if required:
            member["required"] = True
        if documentation := target.get("documentation") or shape.get("documentation"):
            member["documentation"] = documentation
        if levels > 1 and inner and (nested := self.members(inner, levels - 1)):
            member["members"] = nested
        return member

    def _type(self, name: str) -> tuple[str, str | None]:
        """How a type is called, and the structure inside it."""
        shape = self._shapes[name]
        kind: str = shape["type"]
        if kind == "structure":
            return kind, name
        if kind in ("list", "map"):
            inner = shape["member" if kind == "list" else "value"]["shape"]
            inner_kind = self._shapes[inner]["type"]
            return f"{kind} of {inner_kind}", inner if inner_kind == "structure" else None
        return kind, None


def _json_document(key: str, content: Json) -> CorpusDocument:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return CorpusDocument(key=key, body=body, content_type="application/json")


def _markdown(folder: str, name: str, documentation: str, operations: list[str]) -> CorpusDocument:
    paragraphs = "\n\n".join(_paragraphs(documentation))
    listed = "\n".join(f"- `{operation}`" for operation in operations)
    text = f"# {name}\n\n{paragraphs}\n\n## Operations\n\n{listed}\n"
    return CorpusDocument(
        key=f"{folder}overview.md", body=text.encode(), content_type="text/markdown"
    )


def _html(folder: str, name: str, documentation: str, operations: list[str]) -> CorpusDocument:
    title = html.escape(name)
    listed = "".join(f"<li><code>{html.escape(operation)}</code></li>" for operation in operations)
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'</head>\n<body><nav><a href="/">All services</a></nav>\n<main><h1>{title}</h1>\n'
        f"{documentation}\n<h2>Operations</h2>\n<ul>{listed}</ul></main></body></html>\n"
    )
    return CorpusDocument(
        key=f"{folder}overview.html", body=page.encode(), content_type="text/html; charset=utf-8"
    )


def _plain(folder: str, name: str, documentation: str, operations: list[str]) -> CorpusDocument:
    paragraphs = "\n\n".join(_paragraphs(documentation))
    text = f"{name}\n\n{paragraphs}\n\nOperations: {', '.join(operations)}.\n"
    return CorpusDocument(
        key=f"{folder}overview.txt", body=text.encode(), content_type="text/plain"
    )


def _pdf(folder: str, name: str, documentation: str, operations: list[str]) -> CorpusDocument:
    """A PDF with one of the fonts that every reader has; they know Latin-1 only."""
    from fpdf import FPDF

    paragraphs = "\n\n".join(_paragraphs(documentation))
    text = f"{paragraphs}\n\nOperations: {', '.join(operations)}."[:PDF_CHARACTERS]
    pdf = FPDF()
    pdf.set_creation_date(datetime(2026, 1, 1, tzinfo=UTC))
    pdf.set_title(name)
    pdf.add_page()
    for size, part in ((16, name), (10, text)):
        pdf.set_font("Helvetica", size=size)
        latin = part.encode("latin-1", "replace").decode("latin-1")
        pdf.multi_cell(0, size / 2, latin, new_x="LMARGIN", new_y="NEXT")
    return CorpusDocument(
        key=f"{folder}overview.pdf", body=bytes(pdf.output()), content_type="application/pdf"
    )


_OVERVIEWS: tuple[Callable[[str, str, str, list[str]], CorpusDocument], ...] = (
    _markdown,
    _html,
    _plain,
    _pdf,
)


def _paragraphs(documentation: str) -> list[str]:
    texts = (_TAGS.sub("", part) for part in _BLOCKS.split(documentation))
    cleaned = (_BLANKS.sub(" ", html.unescape(text)).strip() for text in texts)
    return [text for text in cleaned if text]
