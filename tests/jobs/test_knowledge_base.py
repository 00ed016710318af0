"""The metadata file is what a Bedrock knowledge base accepts, whatever the document says."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from worker.jobs import knowledge_base
from worker.jobs.documents.document import Document
from worker.jobs.knowledge_base import metadata_file, prepare

CLEAN_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")))


def values(metadata: bytes) -> dict[str, str]:
    attributes = json.loads(metadata)["metadataAttributes"]
    return {name: each["value"]["stringValue"] for name, each in attributes.items()}


def test_the_file_has_the_documented_form() -> None:
    document = Document(title="Queues", text="A queue.", attributes={"service": "SQS"})
    prepared = prepare(document, source_uri="s3://documents/a.md", source_version="v1")
    assert prepared.text == b"A queue.\n"
    assert json.loads(prepared.metadata) == {
        "metadataAttributes": {
            "source_version": {
                "value": {"type": "STRING", "stringValue": "v1"},
                "includeForEmbedding": False,
            },
            "service": {
                "value": {"type": "STRING", "stringValue": "SQS"},
                "includeForEmbedding": False,
            },
            "title": {
                "value": {"type": "STRING", "stringValue": "Queues"},
                "includeForEmbedding": True,
            },
            "source_uri": {
                "value": {"type": "STRING", "stringValue": "s3://documents/a.md"},
                "includeForEmbedding": False,
            },
        }
    }


def test_an_empty_value_is_left_out() -> None:
    prepared = prepare(Document(title="", text="a"), source_uri="s3://b/k", source_version="v1")
    assert set(values(prepared.metadata)) == {"source_version", "source_uri"}


def test_what_does_not_fit_is_left_out_but_never_the_version() -> None:
    document = Document(title="ü" * 200, text="a", attributes={"format": "plain"})
    uri = f"s3://documents/{'k' * 1000}"
    kept = values(prepare(document, source_uri=uri, source_version="v" * 128).metadata)
    assert set(kept) == {"source_version", "format", "title"}


@settings(deadline=None)
@given(st.dictionaries(CLEAN_TEXT.filter(bool), CLEAN_TEXT, max_size=60))
def test_the_limits_hold_for_any_attributes(attributes: dict[str, str]) -> None:
    file = metadata_file(attributes)
    assert len(file) <= knowledge_base.MAX_FILE_BYTES
    kept = values(file)
    assert len(kept) <= knowledge_base.MAX_ATTRIBUTES
    size = sum(len(name.encode()) + len(value.encode()) for name, value in kept.items())
    assert size <= knowledge_base.MAX_ATTRIBUTES_BYTES
    assert kept.items() <= attributes.items()


def test_the_file_stays_small_at_the_limit_of_everything() -> None:
    attributes = {f"a{number:02}": '"' * 10 for number in range(60)}
    assert len(metadata_file(attributes)) <= knowledge_base.MAX_FILE_BYTES


@settings(deadline=None)
@given(CLEAN_TEXT, CLEAN_TEXT)
def test_two_versions_never_have_the_same_metadata(title: str, uri: str) -> None:
    document = Document(title=title[:200], text="a")
    one, other = (prepare(document, source_uri=uri, source_version=v) for v in ("v1", "v2"))
    assert one.metadata != other.metadata
    assert one == prepare(document, source_uri=uri, source_version="v1")
