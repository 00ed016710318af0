"""S3 as jobs see it, in memory: versions, strong consistency, conditional writes, faults."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any

from worker.aws import AwsError, S3Head, S3Object

Hook = Callable[[str, str], None]


class MemoryS3:
    """Buckets in memory. `before` is called with operation and key ahead of every call."""

    def __init__(self, *buckets: str, versioned: bool = True) -> None:
        self.before: Hook = lambda operation, key: None
        self.calls: list[tuple[str, str]] = []
        self._buckets: dict[str, dict[str, S3Object]] = {name: {} for name in buckets}
        self._versioned = versioned
        self._versions = 0
        self._lock = threading.Lock()

    def get_object(
        self,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        max_bytes: int | None = None,
    ) -> S3Object:
        self._begin("get", key)
        found = self._find(bucket, key)
        if max_bytes is not None and found.size > max_bytes:
            raise AwsError("TooLarge", 0, f"{found.size} bytes", False)
        return found

    def head_object(self, bucket: str, key: str, *, version_id: str | None = None) -> S3Head:
        self._begin("head", key)
        try:
            found = self._find(bucket, key)
        except AwsError as error:  # the answer to HEAD has no body, so no code
            raise AwsError("NotFound", error.status, "", False) from None
        return S3Head(found.etag, found.version_id, found.content_type, found.size)

    def put_object(
        self,
        bucket: str,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        if_none_match: str | None = None,
        if_match: str | None = None,
    ) -> str:
        self._begin("put", key)
        with self._lock:
            objects = self._objects(bucket)
            current = objects.get(key)
            if if_none_match == "*" and current is not None:
                raise AwsError("PreconditionFailed", 412, "exists", False)
            if if_match is not None and current is None:
                raise AwsError("NoSuchKey", 404, "is gone", False)
            if if_match is not None and current is not None and current.etag != if_match:
                raise AwsError("PreconditionFailed", 412, "changed", False)
            self._versions += 1
            version = f"v{self._versions}" if self._versioned else None
            etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
            objects[key] = S3Object(body, etag, version, content_type, len(body))
            return etag

    def delete(self, bucket: str, key: str) -> None:
        """What a delete marker does for readers."""
        del self._buckets[bucket][key]

    def keys(self, bucket: str) -> list[str]:
        return sorted(self._buckets[bucket])

    def body(self, bucket: str, key: str) -> bytes:
        return self._buckets[bucket][key].body

    def stored(self, bucket: str, key: str) -> S3Object:
        return self._buckets[bucket][key]

    def _begin(self, operation: str, key: str) -> None:
        self.calls.append((operation, key))
        self.before(operation, key)

    def _objects(self, bucket: str) -> dict[str, S3Object]:
        if bucket not in self._buckets:
            raise AwsError("NoSuchBucket", 404, "The specified bucket does not exist", False)
        return self._buckets[bucket]

    def _find(self, bucket: str, key: str) -> S3Object:
        found = self._objects(bucket).get(key)
        if found is None:
            raise AwsError("NoSuchKey", 404, "The specified key does not exist.", False)
        return found


class MemoryAws:
    """The door to AWS of a job that needs S3 alone."""

    def __init__(self, s3: MemoryS3) -> None:
        self.s3 = s3

    def client(self, service: str) -> Any:
        raise AssertionError(f"the job asked for {service}")
