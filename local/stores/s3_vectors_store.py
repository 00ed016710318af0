"""A knowledge base on an S3 vector index.

Bedrock keeps the text and its own metadata beside the document's keys. Filterable metadata is
limited to 2 KB per vector, so the two large keys have to be non-filterable in the index's
definition (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-bedrock-kb.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from local.stores import metadata_filter, vector_filter
from local.stores.s3_vectors import INDICES, MOST_NEIGHBOURS, IndexOfVectors, VectorRecord
from local.stores.store import DATA_SOURCE_ID, SOURCE_URI, Chunk, Filter, Hit, StoreError

TEXT = "AMAZON_BEDROCK_TEXT"
OWN = "AMAZON_BEDROCK_METADATA"
BATCH = 500  # of PutVectors and DeleteVectors
UNSUPPORTED = ("startsWith", "stringContains")


class S3VectorsStore:
    """The chunks of one index."""

    hybrid = False

    def __init__(self, index: IndexOfVectors) -> None:
        self._index = index

    @property
    def dimension(self) -> int:
        """How many numbers each vector has."""
        return self._index.dimension

    def put(self, chunks: Sequence[Chunk]) -> None:
        """Add, or replace those with a known id."""
        for start in range(0, len(chunks), BATCH):
            self._index.put([_record(each) for each in chunks[start : start + BATCH]])

    def delete_document(self, source_uri: str) -> int:
        """Remove the chunks of a document."""
        return self._delete(SOURCE_URI, source_uri)

    def delete_data_source(self, data_source_id: str) -> int:
        """Remove the chunks of a data source."""
        return self._delete(DATA_SOURCE_ID, data_source_id)

    def _delete(self, name: str, value: str) -> int:
        found = [each.key for each in self._index.listed() if each.metadata.get(name) == value]
        return self._index.delete(found)

    def search(
        self,
        *,
        vector: Sequence[float],
        text: str | None = None,
        limit: int = 5,
        accepts: Filter | None = None,
    ) -> list[Hit]:
        """The nearest chunks, best first."""
        if text is not None:
            raise StoreError("HYBRID search type is not supported by S3 Vectors")
        if accepts is not None:
            metadata_filter.check(accepts, unsupported=UNSUPPORTED)
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
