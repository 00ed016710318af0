"""S3 Vectors: buckets, indices and their vectors, searched exactly.

The service promises approximate neighbours; here every vector is compared, which below some fifty
thousand vectors is faster than a graph. Limits as documented
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.stores.store import StoreError
from local.stores.vector_filter import matches
from local.stores.vector_index import VectorIndex

MOST_DIMENSIONS = 4096
MOST_KEYS = 50
MOST_METADATA_BYTES = 40 * 1024
MOST_FILTERABLE_BYTES = 2048
MOST_NEIGHBOURS = 100


@dataclass(frozen=True, kw_only=True)
class VectorRecord:
    """A vector as it was put."""

    key: str
    data: Sequence[float]
    metadata: Mapping[str, Any]


@dataclass(kw_only=True)
class VectorBucket:
    """A bucket; its policy is a record."""

    name: str
    arn: str
    encryption: Mapping[str, Any]
    created: float = field(default_factory=time.time)
    policy: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


class IndexOfVectors:
    """One vector index."""

    def __init__(
        self,
        *,
        arn: str,
        dimension: int,
        distance_metric: str,
        non_filterable: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if not 1 <= dimension <= MOST_DIMENSIONS:
            raise StoreError(f"dimension must be between 1 and {MOST_DIMENSIONS}, is {dimension}")
        if distance_metric not in ("cosine", "euclidean"):
            raise StoreError(f"distanceMetric is cosine or euclidean, not {distance_metric}")
        if len(non_filterable) > 10:
            raise StoreError("an index has at most 10 non-filterable metadata keys")
        self.arn = arn
        self.dimension = dimension
        self.distance_metric = distance_metric
        self.non_filterable = tuple(non_filterable)
        self.tags = dict(tags or {})
        self.created = time.time()
        self._records: dict[str, VectorRecord] = {}
        self._rows: dict[int, str] = {}
        self._row_of: dict[str, int] = {}
        self._index = self._empty()
        self._lock = threading.RLock()

    def _empty(self) -> VectorIndex:
        space = "cosinesimil" if self.distance_metric == "cosine" else "l2"
        return VectorIndex(self.dimension, space=space, hnsw=None)  # type: ignore[arg-type]

    def count(self) -> int:
        """How many vectors are in it."""
        return len(self._records)

    def put(self, records: Sequence[VectorRecord]) -> None:
        """Add or overwrite; StoreError and nothing stored when one does not fit."""
        latest = list({each.key: each for each in records}.values())
        for record in latest:
            self._check(record)
        with self._lock:
            self._forget([each.key for each in latest])
            rows = self._index.add([each.data for each in latest])
            for row, record in zip(rows, latest, strict=True):
                self._records[record.key] = record
                self._rows[row] = record.key
                self._row_of[record.key] = row

    def _check(self, record: VectorRecord) -> None:
        if len(record.data) != self.dimension:
            raise StoreError(
                f"Invalid record for key '{record.key}': vector must have length "
                f"{self.dimension}, but has length {len(record.data)}"
            )
        if self.distance_metric == "cosine" and not any(record.data):
            raise StoreError(
                f"Invalid record for key '{record.key}': a zero vector has no direction, and the "
                "index compares by cosine"
            )
        if len(record.metadata) > MOST_KEYS:
            raise StoreError(
                f"Invalid record for key '{record.key}': {len(record.metadata)} metadata keys, at "
                f"most {MOST_KEYS} are allowed"
            )
        for name, value in record.metadata.items():
            members = value if isinstance(value, list) else [value]
            if not all(isinstance(each, str | int | float) for each in members):
                raise StoreError(
                    f"Invalid record for key '{record.key}': the value of metadata '{name}' is not "
                    "text, a number, a truth value or a list of them"
                )
        filterable = {
            name: value
            for name, value in record.metadata.items()
            if name not in self.non_filterable
        }
        for kind, part, most in (
            ("Filterable", filterable, MOST_FILTERABLE_BYTES),
            ("Total", record.metadata, MOST_METADATA_BYTES),
        ):
            size = len(json.dumps(dict(part), ensure_ascii=False).encode())
            if size > most:
                raise StoreError(
                    f"Invalid record for key '{record.key}': {kind} metadata must have at most "
                    f"{most} bytes, and has {size}"
                )

    def get(self, keys: Sequence[str]) -> list[VectorRecord]:
        """Those of the keys that exist."""
        with self._lock:
            return [self._records[key] for key in keys if key in self._records]

    def listed(self) -> list[VectorRecord]:
        """All, in the order of their keys."""
        with self._lock:
            return [self._records[key] for key in sorted(self._records)]

    def delete(self, keys: Sequence[str]) -> int:
        """Remove those that exist; how many there were."""
        with self._lock:
            known = [key for key in keys if key in self._records]
            self._forget(known)
            return len(known)

    def _forget(self, keys: Sequence[str]) -> None:
        rows = [self._row_of.pop(key) for key in keys if key in self._row_of]
        for row in rows:
            del self._records[self._rows.pop(row)]
        self._index.remove(rows)
        if self._index.removed_share > 0.5:
            self._rebuild()

    def _rebuild(self) -> None:
        kept = list(self._records.values())
        self._index = self._empty()
        rows = self._index.add([each.data for each in kept]) if kept else range(0)
        self._rows = {row: record.key for row, record in zip(rows, kept, strict=True)}
        self._row_of = {key: row for row, key in self._rows.items()}

    def query(
        self, vector: Sequence[float], limit: int, accepts: Mapping[str, Any] | None = None
    ) -> list[tuple[VectorRecord, float]]:
        """The nearest and their distances: 1 minus the cosine, or the Euclidean distance."""
        if len(vector) != self.dimension:
            raise StoreError(
                f"Query vector contains invalid values or is invalid for this index: its length "
                f"is {len(vector)}, the index's dimension {self.dimension}"
            )
        if not 1 <= limit <= MOST_NEIGHBOURS:
            raise StoreError(f"topK must be between 1 and {MOST_NEIGHBOURS}, is {limit}")
        with self._lock:
            among = None if accepts is None else self._among(accepts)
            found = self._index.search(vector, limit, among)
            return [(self._records[self._rows[row]], self._distance(near)) for row, near in found]

    def _among(self, accepts: Mapping[str, Any]) -> list[int]:
        hidden = set(self.non_filterable)
        return [
            row
            for row, key in self._rows.items()
            if matches(accepts, self._records[key].metadata, hidden)
        ]

    def _distance(self, measured: float) -> float:
        if self.distance_metric == "cosine":
            return 1 - measured
        return float(max(measured, 0.0) ** 0.5)


# By name, and by index ARN.
BUCKETS: dict[str, VectorBucket] = {}
INDICES: dict[str, IndexOfVectors] = {}
