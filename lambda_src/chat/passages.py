"""What a search found: chunks of documents, and how they are shown to a model.

A document's text is data. It is put between tags that it cannot close, because its own `&`, `<` and
`>` are escaped, and it is put in once: braces in it are no variables.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

LONGEST_CHUNK = 6_000
"""Characters; hierarchical chunking returns parents, which can be long."""
SOURCE_URI = "x-amz-bedrock-kb-source-uri"
CHUNK_ID = "x-amz-bedrock-kb-chunk-id"


class Passage:
    """One chunk. `text` is what the model was shown, which is what citations are checked with."""

    __slots__ = ("chunk", "source", "text")

    def __init__(self, text: str, *, source: str, chunk: str) -> None:
        self.text = text[:LONGEST_CHUNK]
        self.source = source
        self.chunk = chunk


def passages_of(results: Sequence[Mapping[str, Any]]) -> list[Passage]:
    """The chunks of an answer of Retrieve, best first; results without a text are left out.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_KnowledgeBaseRetrievalResult.html
    """
    found = []
    for index, result in enumerate(results):
        text = str((result.get("content") or {}).get("text") or "").strip()
        if not text:
            continue
        metadata = result.get("metadata") or {}
        location = result.get("location") or {}
        source = metadata.get(SOURCE_URI) or (location.get("s3Location") or {}).get("uri") or ""
        chunk = metadata.get(CHUNK_ID) or f"{source}#{index}"
        found.append(Passage(text, source=str(source), chunk=str(chunk)))
    return found


def shown(passages: Sequence[Passage], *, first: int = 1) -> str:
    """The documents as a prompt shows them."""
    return "\n".join(
        f'<document index="{index}" source="{escaped(passage.source)}">\n'
        f"{escaped(passage.text)}\n</document>"
        for index, passage in enumerate(passages, first)
    )


def fitting(passages: Sequence[Passage], *, characters: int) -> list[Passage]:
    """The first passages, as many as take so many characters when they are shown."""
    kept = list(passages)
    while kept and len(shown(kept)) > characters:
        kept.pop()
    return kept


def escaped(text: str) -> str:
    """Text that can neither open nor close a tag."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")


def unescaped(text: str) -> str:
    """What a model copied from a shown document, as it stands in the document."""
    for mark, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(mark, sign)
    return text
