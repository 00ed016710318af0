"""The two files by which a Bedrock knowledge base reads a document: its text and its metadata.

The metadata of `a.txt` is `a.txt.metadata.json` in the same folder: an object `metadataAttributes`
of names and typed values. `includeForEmbedding` puts a value in front of every chunk before it is
embedded, so that a chunk from the middle of a long text still says what it is about.
https://docs.aws.amazon.com/bedrock/latest/userguide/s3-data-source-connector.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from worker.jobs.documents.document import Document

TEXT_SUFFIX = ".txt"
METADATA_SUFFIX = ".metadata.json"

MAX_FILE_BYTES = 10 * 1024
"""A larger metadata file is refused:
https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-ds.html"""
MAX_ATTRIBUTES_BYTES = 1024
"""Names and values of one document. S3 Vectors holds 1 KB of them per vector, and more fails the
whole ingestion job; other vector stores hold more:
https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html"""
MAX_ATTRIBUTES = 35
"""Names per vector, by the same page."""

EMBEDDED = frozenset({"title"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is written for one version of a document."""

    text: bytes
    metadata: bytes


def prepare(document: Document, *, source_uri: str, source_version: str) -> Prepared:
    """Text and metadata, the same bytes for the same document and version.

    `source_version` comes first and is always kept: it makes the metadata of every version
    differ. What does not fit after it is left out, what can be found elsewhere last in line: the
    URI follows from the key.
    """
    attributes = {"source_version": source_version, **document.attributes}
    if document.title:
        attributes["title"] = document.title
    attributes["source_uri"] = source_uri
    return Prepared(text=f"{document.text}\n".encode(), metadata=metadata_file(attributes))


def metadata_file(attributes: Mapping[str, str]) -> bytes:
    """The metadata file for the first of these attributes that fit into the limits."""
    kept: dict[str, object] = {}
    room = MAX_ATTRIBUTES_BYTES
    for name, value in attributes.items():
        size = len(json.dumps({name: value}, ensure_ascii=False).encode())
        if value and size <= room and len(kept) < MAX_ATTRIBUTES:
            room -= size
            kept[name] = {
                "value": {"type": "STRING", "stringValue": value},
                "includeForEmbedding": name in EMBEDDED,
            }
    return json.dumps(
        {"metadataAttributes": kept}, ensure_ascii=False, separators=(",", ":")
    ).encode()
