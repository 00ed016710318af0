"""A knowledge base on an S3 vector index.

Bedrock keeps the text and its own metadata beside the document's keys. Filterable metadata is
limited to 2 KB per vector, so the two large keys have to be non-filterable in the index's
definition (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-bedrock-kb.html). Of a
document's own metadata a knowledge base takes 1 KB and 35 keys, and a job fails to put more
(https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from local.stores import vector_filter
from local.stores.checked_store import CheckedStore
from local.stores.s3_vectors import INDICES, MOST_NEIGHBOURS, IndexOfVectors, VectorRecord
from local.stores.store import SOURCE_URI, Chunk, Filter, Hit, StoreError

TEXT = "AMAZON_BEDROCK_TEXT"
OWN = "AMAZON_BEDROCK_METADATA"
MOST_KEYS = 35
MOST_BYTES = 1024
BEDROCK_S = "x-amz-bedrock-"
BATCH = 500  # of PutVectors and DeleteVectors


class S3VectorsStore(CheckedStore):
    """The chunks of one index."""

    kind = "S3 Vectors"
    hybrid = False
    unsupported = ("startsWith", "stringContains")

    def __init__(self, index: IndexOfVectors) -> None:
        self._index = index

    @property
    def dimension(self) -> int:
        """How many numbers each vector has."""
        return self._index.dimension

    def put(self, chunks: Sequence[Chunk]) -> None:
        """Add, or replace those with a known id."""
        for each in chunks:
            _check_metadata(each)
        for start in range(0, len(chunks), BATCH):
            self._index.put([_record(each) for each in chunks[start : start + BATCH]])

    def _delete(self, name: str, value: str) -> int:
        found = [each.key for each in self._index.listed() if each.metadata.get(name) == value]
        return self._index.delete(found)

    def _search(
        self, vector: Sequence[float], _text: str | None, limit: int, accepts: Filter | None
    ) -> list[Hit]:
        query = None if accepts is None else vector_filter.from_bedrock(accepts)
        found = self._index.query(vector, min(limit, MOST_NEIGHBOURS), query)
        return [Hit(chunk=_chunk(record), score=self._score(near)) for record, near in found]

    def _score(self, distance: float) -> float:
        return 1 - distance if self._index.distance_metric == "cosine" else 1 / (1 + distance)

    def count(self) -> int:
        """How many chunks are searchable."""
        return self._index.count()

    def close(self) -> None:
        """The data stays."""


def _check_metadata(chunk: Chunk) -> None:
    own = {name: each for name, each in chunk.metadata.items() if not name.startswith(BEDROCK_S)}
    size = len(json.dumps(own, ensure_ascii=False).encode())
    if len(own) > MOST_KEYS or size > MOST_BYTES:
        raise StoreError(
            f"the metadata of {chunk.source_uri} has {len(own)} keys and {size} bytes; a knowledge "
            f"base on S3 Vectors takes {MOST_KEYS} keys and {MOST_BYTES} bytes"
        )


def _record(chunk: Chunk) -> VectorRecord:
    own = {"source": {"sourceLocation": chunk.source_uri}}
    metadata = {
        **chunk.metadata,
        SOURCE_URI: chunk.source_uri,
        TEXT: chunk.text,
        OWN: json.dumps(own),
    }
    return VectorRecord(key=chunk.id, data=tuple(chunk.vector), metadata=metadata)


def _chunk(record: VectorRecord) -> Chunk:
    metadata = {name: each for name, each in record.metadata.items() if name not in (TEXT, OWN)}
    return Chunk(
        id=record.key,
        text=str(record.metadata.get(TEXT, "")),
        source_uri=str(metadata.get(SOURCE_URI, "")),
        vector=record.data,
        metadata=metadata,
    )


def open_index(configuration: Mapping[str, Any]) -> S3VectorsStore:
    """Of an index's ARN, or its bucket's ARN and its name."""
    arn = configuration.get("indexArn") or (
        f"{configuration['vectorBucketArn']}/index/{configuration['indexName']}"
    )
    index = INDICES.get(arn)
    if index is None:
        raise StoreError(f"The specified index could not be found: {arn}")
    return S3VectorsStore(index)
