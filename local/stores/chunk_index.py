"""Chunks with their vectors and words in memory: what plays OpenSearch and Pinecone.

A filter is decided on the metadata first and the graph is searched among what it lets pass, so a
narrow filter loses no results.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from local.stores import metadata_filter
from local.stores.blending import CANDIDATES, blended
from local.stores.checked_store import CheckedStore
from local.stores.store import SOURCE_URI, Chunk, Filter, Hit, MetadataValue
from local.stores.vector_index import Hnsw, Space, VectorIndex
from local.stores.word_index import WordIndex

REBUILT_ABOVE = 0.5  # share of removed rows


class ChunkIndex(CheckedStore):
    """A Store without an address; whoever deployed it keeps it."""

    kind = "this vector store"

    def __init__(
        self,
        dimension: int,
        *,
        space: Space = "l2",
        hnsw: Hnsw | None = None,
        hybrid: bool = True,
        unsupported: Sequence[str] = (),
    ) -> None:
        self._space = space
        self._hnsw = hnsw
        self.hybrid = hybrid
        self.unsupported = tuple(unsupported)
        self._vectors = VectorIndex(dimension, space=space, hnsw=hnsw)
        self._words = WordIndex()
        self._chunks: dict[int, Chunk] = {}
        self._rows: dict[str, int] = {}
        self._lock = threading.RLock()

    @property
    def dimension(self) -> int:
        """How many numbers each vector has."""
        return self._vectors.dimension

    def count(self) -> int:
        """How many chunks are searchable."""
        return len(self._chunks)

    def chunk(self, chunk_id: str) -> Chunk | None:
        """A chunk with its vector, as it is stored."""
        with self._lock:
            row = self._rows.get(chunk_id)
            return None if row is None else self._chunks[row]

    def ids(self) -> list[str]:
        """The ids of all chunks, in order."""
        with self._lock:
            return sorted(self._rows)

    def put(self, chunks: Sequence[Chunk]) -> None:
        """Add, or replace those with a known id."""
        latest = list({chunk.id: chunk for chunk in chunks}.values())
        if not latest:
            return
        with self._lock:
            rows = self._vectors.add([chunk.vector for chunk in latest])
            self._discard([self._rows[each.id] for each in latest if each.id in self._rows])
            for row, chunk in zip(rows, latest, strict=True):
                self._chunks[row] = chunk
                self._rows[chunk.id] = row
            self._words.forget()
            self._tidy()

    def close(self) -> None:
        """The data stays."""

    def _delete(self, name: str, value: str) -> int:
        with self._lock:
            return self._remove(
                [row for row, chunk in self._chunks.items() if _value(chunk, name) == value]
            )

    def _search(
        self, vector: Sequence[float], text: str | None, limit: int, accepts: Filter | None
    ) -> list[Hit]:
        with self._lock:
            among = self._among(accepts)
            if text is None:
                found = self._vectors.search(vector, limit, among)
                ranked = [(row, self._score(distance)) for row, distance in found]
            else:
                ranked = self._blend(vector, text, max(limit, CANDIDATES), among)
            return [Hit(chunk=self._chunks[row], score=score) for row, score in ranked[:limit]]

    def _among(self, accepts: Filter | None) -> list[int] | None:
        if accepts is None:
            return None
        return [
            row
            for row, chunk in self._chunks.items()
            if metadata_filter.matches(accepts, chunk.metadata)
        ]

    def _blend(
        self, vector: Sequence[float], text: str, limit: int, among: Collection[int] | None
    ) -> list[tuple[int, float]]:
        texts = {row: chunk.text for row, chunk in self._chunks.items()}
        near = self._vectors.search(vector, limit, among)
        return blended(
            [(row, self._score(distance)) for row, distance in near],
            self._words.search(text, limit, texts, among),
        )

    def _score(self, distance: float) -> float:
        """OpenSearch's score of a distance.

        https://docs.opensearch.org/latest/mappings/supported-field-types/knn-spaces/
        """
        if self._space == "l2":
            return 1 / (1 + distance)
        if self._space == "cosinesimil":
            return (1 + distance) / 2
        return 1 + distance if distance > 0 else 1 / (1 - distance)

    def _remove(self, rows: Sequence[int]) -> int:
        self._discard(rows)
        if rows:
            self._words.forget()
        self._tidy()
        return len(rows)

    def _discard(self, rows: Sequence[int]) -> None:
        for row in rows:
            del self._rows[self._chunks.pop(row).id]
        self._vectors.remove(rows)

    def _tidy(self) -> None:
        """Build anew when there is more to skip than to search; every row gets a new number."""
        if self._vectors.removed_share <= REBUILT_ABOVE:
            return
        kept = list(self._chunks.values())
        self._vectors = VectorIndex(self.dimension, space=self._space, hnsw=self._hnsw)
        rows = self._vectors.add([chunk.vector for chunk in kept]) if kept else range(0)
        self._chunks = dict(zip(rows, kept, strict=True))
        self._rows = {chunk.id: row for row, chunk in self._chunks.items()}


def _value(chunk: Chunk, name: str) -> MetadataValue | None:
    return chunk.source_uri if name == SOURCE_URI else chunk.metadata.get(name)
