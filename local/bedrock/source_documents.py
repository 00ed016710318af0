"""The documents of an S3 data source: which objects they are, their text and their metadata.

https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-ds.html (formats and sizes) and
https://docs.aws.amazon.com/bedrock/latest/userguide/s3-data-source-connector.html (metadata files).
Word and Excel files are documents in AWS and are refused here, one by one, with their names.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.stores.store import MetadataValue

METADATA_SUFFIX = ".metadata.json"
LARGEST_DOCUMENT = 50 * 1024 * 1024
LARGEST_METADATA = 10 * 1024


class UnreadableError(ValueError):
    """A document that cannot be indexed; the message is the reason that its status gives."""


class UnsupportedError(UnreadableError):
    """A document in a format that is none of a knowledge base's."""


@dataclass(frozen=True, kw_only=True)
class SourceDocument:
    """An object that is a document. The tags change when the content does."""

    uri: str
    bucket: str
    key: str
    tag: str
    size: int
    metadata_tag: str = ""


def bucket_documents(bucket: str, prefixes: list[str]) -> list[SourceDocument] | None:
    """The documents in the order of their keys; None when there is no such bucket."""
    from ministack.services import s3

    record = s3._buckets.get(bucket)
    if record is None:
        return None
    objects: dict[str, Mapping[str, Any]] = dict(record["objects"])
    return [
        SourceDocument(
            uri=f"s3://{bucket}/{key}",
            bucket=bucket,
            key=key,
            tag=str(each["etag"]),
            size=int(each["size"]),
            metadata_tag=str(objects.get(f"{key}{METADATA_SUFFIX}", {}).get("etag", "")),
        )
        for key, each in sorted(objects.items())
        if not key.endswith(("/", METADATA_SUFFIX))
        and (not prefixes or key.startswith(tuple(prefixes)))
    ]


def text_of(document: SourceDocument) -> str:
    """The text of a document. Raises UnreadableError."""
    suffix = document.key.rpartition(".")[2].lower()
    reader = READERS.get(suffix)
    if reader is None:
        raise UnsupportedError(f"the file format of {document.uri} is not supported")
    if document.size > LARGEST_DOCUMENT:
        raise UnreadableError(f"{document.uri} is larger than 50 MB")
    content = _object(document.bucket, document.key)
    if content is None:
        raise UnreadableError(f"{document.uri} was removed while the job ran")
    try:
        return reader(content)
    except Exception as error:
        raise UnreadableError(f"{document.uri} cannot be read: {error}") from None


def metadata_of(document: SourceDocument) -> tuple[dict[str, MetadataValue], list[str]]:
    """Attributes by name, and the names of those that are embedded with the text.

    Raises UnreadableError for a metadata file that AWS ignores.
    """
    if not document.metadata_tag:
        return {}, []
    name = f"{document.uri}{METADATA_SUFFIX}"
    content = _object(document.bucket, f"{document.key}{METADATA_SUFFIX}") or b"{}"
    if len(content) > LARGEST_METADATA:
        raise UnreadableError(f"the metadata file {name} is larger than 10 KB")
    try:
        given = json.loads(content)["metadataAttributes"].items()
    except (ValueError, KeyError, AttributeError, TypeError):
        raise UnreadableError(
            f"the metadata file {name} has no JSON object metadataAttributes"
        ) from None
    found: dict[str, MetadataValue] = {}
    embedded = []
    for key, value in given:
        found[key] = _value(name, key, value)
        if isinstance(value, Mapping) and value.get("includeForEmbedding"):
            embedded.append(key)
    return found, embedded


def _value(name: str, key: str, given: Any) -> MetadataValue:
    value = given
    if isinstance(given, Mapping):
        typed = given.get("value") or {}
        kinds = {
            "STRING": "stringValue",
            "NUMBER": "numberValue",
            "BOOLEAN": "booleanValue",
            "STRING_LIST": "stringListValue",
        }
        value = typed.get(kinds.get(typed.get("type", ""), ""))
    listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if not listed and not isinstance(value, str | int | float | bool):
        raise UnreadableError(
            f"the metadata file {name}: {key} is neither text, number, boolean nor a list of texts"
        )
    return value  # type: ignore[no-any-return]


def _object(bucket: str, key: str) -> bytes | None:
    from ministack.services import s3

    content = s3._get_object_data(bucket, key)
    return None if content is None else bytes(content)


def _plain(content: bytes) -> str:
    return content.decode("utf-8")


def _html(content: bytes) -> str:
    from bs4 import BeautifulSoup

    page = BeautifulSoup(content, "html.parser")
    for element in page(["script", "style"]):
        element.decompose()
    return page.get_text("\n", strip=True)


def _pdf(content: bytes) -> str:
    from pypdf import PdfReader

    return "\n".join(each.extract_text() for each in PdfReader(io.BytesIO(content)).pages)


READERS: Mapping[str, Callable[[bytes], str]] = {
    "txt": _plain,
    "md": _plain,
    "csv": _plain,
    "html": _html,
    "htm": _html,
    "pdf": _pdf,
}
