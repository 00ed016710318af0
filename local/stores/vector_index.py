"""A faiss index of one store: HNSW as OpenSearch builds it, or exact.

faiss is the engine that Bedrock asks of an OpenSearch index
(https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html), so its
parameters mean here what they mean there.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from local.stores.store import StoreError

Space = Literal["l2", "cosinesimil", "innerproduct"]


@dataclass(frozen=True, kw_only=True)
class Hnsw:
    """Links per node, candidates while building, candidates while searching."""

    m: int = 16
    ef_construction: int = 128
    ef_search: int = 128


class VectorIndex:
    """Vectors under row numbers that only grow; what is removed is skipped until `compacted`.

    Not safe for several threads: its store holds the lock. `hnsw` None means exact search.
    """

    def __init__(self, dimension: int, *, space: Space, hnsw: Hnsw | None) -> None:
        self.dimension = dimension
        self._space = space
        self._hnsw = hnsw
        self._index = self._empty()
        self._removed: set[int] = set()

    def _empty(self) -> Any:
        faiss = _faiss()
        faiss.omp_set_num_threads(1)  # more lose on a machine that does other work
        metric = _faiss().METRIC_L2 if self._space == "l2" else _faiss().METRIC_INNER_PRODUCT
        if self._hnsw is None:
            return _faiss().IndexFlat(self.dimension, metric)
        index = _faiss().IndexHNSWFlat(self.dimension, self._hnsw.m, metric)
        index.hnsw.efConstruction = self._hnsw.ef_construction
        return index

    def __len__(self) -> int:
        """How many vectors are searchable."""
        return int(self._index.ntotal) - len(self._removed)

    @property
    def removed_share(self) -> float:
        """Which part of the rows is skipped."""
        total = int(self._index.ntotal)
        return len(self._removed) / total if total else 0.0

    def add(self, vectors: Sequence[Sequence[float]]) -> range:
        """Add vectors; the row numbers they got."""
        rows = self._matrix(vectors)
        first = int(self._index.ntotal)
        self._index.add(rows)
        return range(first, first + len(rows))

    def remove(self, rows: Collection[int]) -> None:
        """Skip rows from now on."""
        self._removed |= set(rows)

    def vectors(self, rows: Sequence[int]) -> list[list[float]]:
        """The vectors of rows, as they are stored."""
        return [self._index.reconstruct(row).tolist() for row in rows]

    def search(
        self, vector: Sequence[float], limit: int, among: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Rows and distances, nearest first: the squared distance, or for products the product.

        With `among` only these rows; a few of them are compared one by one, as OpenSearch does
        when a filter leaves fewer than the query asks for
        (https://docs.opensearch.org/latest/vector-search/filter-search-knn/efficient-knn-filtering/).
        """
        query = self._matrix([vector])
        wanted = min(limit, len(self) if among is None else len(among))
        if wanted < 1:
            return []
        selector = self._selector(among)
        if self._hnsw is None:
            parameters = _faiss().SearchParameters(sel=selector)
        else:
            effort = max(self._hnsw.ef_search, limit)
            if among is not None and len(among) <= effort:
                return self._compare(query, among, wanted)
            parameters = _faiss().SearchParametersHNSW(sel=selector, efSearch=effort)
        distances, rows = self._index.search(query, wanted, params=parameters)
        return [
            (int(row), float(distance))
            for row, distance in zip(rows[0], distances[0], strict=True)
            if row >= 0
        ]

    def _selector(self, among: Collection[int] | None) -> Any:
        import numpy

        if among is not None:
            allowed = numpy.fromiter(set(among) - self._removed, dtype=numpy.int64)
            return _faiss().IDSelectorBatch(allowed)
        if self._removed:
            gone = numpy.fromiter(self._removed, dtype=numpy.int64)
            return _faiss().IDSelectorNot(_faiss().IDSelectorBatch(gone))
        return None

    def _compare(self, query: Any, among: Collection[int], limit: int) -> list[tuple[int, float]]:
        import numpy

        rows = sorted(set(among) - self._removed)
        if not rows:
            return []
        matrix = numpy.array([self._index.reconstruct(row) for row in rows])
        if self._space == "l2":
            distances = ((matrix - query[0]) ** 2).sum(axis=1)
            order = numpy.argsort(distances, kind="stable")
        else:
            distances = matrix @ query[0]
            order = numpy.argsort(-distances, kind="stable")
        return [(rows[place], float(distances[place])) for place in order[:limit]]

    def _matrix(self, vectors: Sequence[Sequence[float]]) -> Any:
        import numpy

        for vector in vectors:
            if len(vector) != self.dimension:
                raise StoreError(
                    f"the vector has {len(vector)} dimensions, the index {self.dimension}; "
                    "the embedding model and the index must agree"
                )
        rows = numpy.array(vectors, dtype=numpy.float32).reshape(len(vectors), self.dimension)
        if self._space == "cosinesimil":
            _faiss().normalize_L2(rows)
        return rows


def _faiss() -> Any:
    """Imported when the first vector is stored: it takes half a second, and its types lack half."""
    return importlib.import_module("faiss")
