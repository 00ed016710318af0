"""Chunks with their vectors and words in memory: what plays OpenSearch and Pinecone.

A filter is decided on the metadata first and the graph is searched among what it lets pass, so a
narrow filter loses no results. Hybrid search normalises both lists between their least and best
score and weighs them alike, as OpenSearch's normalization processor does by default
(https://docs.opensearch.org/latest/search-plugins/search-pipelines/normalization-processor/).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

from local.stores import metadata_filter
from local.stores.store import DATA_SOURCE_ID, Chunk, Filter, Hit, StoreError
from local.stores.vector_index import Hnsw, Space, VectorIndex
from local.stores.word_index import WordIndex

CANDIDATES = 100  # of either kind, before a hybrid search blends them
REBUILT_ABOVE = 0.5  # share of removed rows


class ChunkIndex:
    """A Store without an address; whoever deployed it keeps it."""

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
        self._hybrid = hybrid
        self._unsupported = tuple(unsupported)
        self._vectors = VectorIndex(dimension, space=space, hnsw=hnsw)
        self._words = WordIndex()
        self._chunks: dict[int, Chunk] = {}
        self._rows: dict[str, int] = {}
        self._lock = threading.RLock()

    @property
    def dimension(self) -> int:
        """How many numbers each vector has."""
        return self._vectors.dimension

    @property
    def hybrid(self) -> bool:
        """Whether words are indexed as well."""
        return self._hybrid

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
            self._remove([self._rows[each.id] for each in latest if each.id in self._rows])
            for row, chunk in zip(rows, latest, strict=True):
                self._chunks[row] = chunk
                self._rows[chunk.id] = row
            self._words.forget()

    def delete(self, accepts: Callable[[Chunk], bool]) -> int:
        """Remove chunks; how many there were."""
        with self._lock:
            return self._remove([row for row, each in self._chunks.items() if accepts(each)])

    def delete_document(self, source_uri: str) -> int:
        """Remove the chunks of a document."""
        return self.delete(lambda chunk: chunk.source_uri == source_uri)

    def delete_data_source(self, data_source_id: str) -> int:
        """Remove the chunks of a data source."""
        return self.delete(lambda chunk: chunk.metadata.get(DATA_SOURCE_ID) == data_source_id)

    def search(
        self,
        *,
        vector: Sequence[float],
        text: str | None = None,
        limit: int = 5,
        accepts: Filter | None = None,
    ) -> list[Hit]:
        """The nearest chunks, best first; hybrid when `text` is given."""
        if accepts is not None:
            metadata_filter.check(accepts, unsupported=self._unsupported)
        if text is not None and not self._hybrid:
            raise StoreError("HYBRID search type is not supported by this vector store")
        with self._lock:
            among = self._among(accepts)
            if text is None:
                found = self._vectors.search(vector, limit, among)
                ranked = [(row, self._score(distance)) for row, distance in found]
            else:
                ranked = self._blend(vector, text, max(limit, CANDIDATES), among)
            return [Hit(chunk=self._chunks[row], score=score) for row, score in ranked[:limit]]

    def close(self) -> None:
        """The data stays."""

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
        lists = (
            [(row, self._score(distance)) for row, distance in near],
            self._words.search(text, limit, texts, among),
        )
        blended: dict[int, float] = {}
        for ranked in lists:
            for row, score in _normalized(ranked):
                blended[row] = blended.get(row, 0.0) + score / len(lists)
        return sorted(blended.items(), key=lambda each: -each[1])

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
        for row in rows:
            del self._rows[self._chunks.pop(row).id]
        self._vectors.remove(rows)
        if rows:
            self._words.forget()
        if self._vectors.removed_share > REBUILT_ABOVE:
            self._rebuild()
        return len(rows)

    def _rebuild(self) -> None:
        kept = list(self._chunks.values())
        self._vectors = VectorIndex(self.dimension, space=self._space, hnsw=self._hnsw)
        rows = self._vectors.add([chunk.vector for chunk in kept]) if kept else range(0)
        self._chunks = dict(zip(rows, kept, strict=True))
        self._rows = {chunk.id: row for row, chunk in self._chunks.items()}


def _normalized(ranked: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Between 0 and 1; OpenSearch gives the least of a list 0.001, so that it counts."""
    if not ranked:
        return []
    least = min(score for _, score in ranked)
    spread = max(score for _, score in ranked) - least
    if spread == 0:
        return [(row, 1.0) for row, _ in ranked]
    return [(row, max((score - least) / spread, 0.001)) for row, score in ranked]
