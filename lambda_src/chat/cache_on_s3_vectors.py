"""The cache's entries as vectors on S3.

Nothing there expires by itself: an entry says until when it is good, searches leave out what is
not, and some of the writes remove expired ones near the new entry.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-metadata-filtering.html
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.aws import Aws

NEAREST = 5
SWEPT = 30
ONE_WRITE_IN = 8


class S3VectorsCache:
    """An index with the metadata scope, expires_at (filterable) and entry (not filterable)."""

    def __init__(
        self,
        aws: Aws,
        *,
        index_arn: str,
        timeout_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._aws = aws
        self._index = index_arn
        self._timeout = timeout_seconds
        self._clock = clock

    def exact(self, scope: str, key: str) -> str | None:
        """The entry under a key."""
        with self._aws.within(self._timeout):
            answer = self._aws.call(
                "s3vectors",
                "GetVectors",
                indexArn=self._index,
                keys=[_key(scope, key)],
                returnMetadata=True,
            )
        for vector in answer.get("vectors") or ():
            metadata = vector.get("metadata") or {}
            good_until = float(metadata.get("expires_at") or 0)
            if metadata.get("scope") == scope and good_until > self._clock():
                return str(metadata.get("entry") or "")
        return None

    def near(self, scope: str, vector: Sequence[float]) -> list[tuple[float, str]]:
        """Cosine similarities and entries of the nearest."""
        now = int(self._clock())
        with self._aws.within(self._timeout):
            answer = self._aws.call(
                "s3vectors",
                "QueryVectors",
                indexArn=self._index,
                topK=NEAREST,
                queryVector={"float32": list(vector)},
                filter={"$and": [{"scope": {"$eq": scope}}, {"expires_at": {"$gt": now}}]},
                returnMetadata=True,
                returnDistance=True,
            )
        return [
            (1.0 - float(found["distance"]), str((found.get("metadata") or {}).get("entry") or ""))
            for found in answer.get("vectors") or ()
        ]

    def put(
        self, scope: str, key: str, vector: Sequence[float], entry: str, *, seconds: int
    ) -> None:
        """Keep an entry for so long."""
        now = int(self._clock())
        with self._aws.within(self._timeout):
            self._aws.call(
                "s3vectors",
                "PutVectors",
                indexArn=self._index,
                vectors=[
                    {
                        "key": _key(scope, key),
                        "data": {"float32": list(vector)},
                        "metadata": {"scope": scope, "expires_at": now + seconds, "entry": entry},
                    }
                ],
            )
            if os.urandom(1)[0] % ONE_WRITE_IN == 0:
                self.sweep(vector)

    def sweep(self, vector: Sequence[float]) -> int:
        """Remove expired entries near a vector; how many."""
        answer = self._aws.call(
            "s3vectors",
            "QueryVectors",
            indexArn=self._index,
            topK=SWEPT,
            queryVector={"float32": list(vector)},
            filter={"expires_at": {"$lt": int(self._clock())}},
        )
        keys = [str(found["key"]) for found in answer.get("vectors") or ()]
        if keys:
            self._aws.call("s3vectors", "DeleteVectors", indexArn=self._index, keys=keys)
        return len(keys)


def _key(scope: str, key: str) -> str:
    return f"{scope}-{key}"
