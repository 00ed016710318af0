"""The door to AWS for jobs: S3 on the fast path, any other service by a botocore client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class AwsError(Exception):
    """An AWS call that failed for good (retries included).

    `code` is the service's error code (`NoSuchKey`, `AccessDenied`, ...), or a name of our own when
    no answer came (`ConnectionError`, `Timeout`) or the object is too large (`TooLarge`). `status`
    is the HTTP status, 0 without an answer. `retryable` says whether later may be better.
    """

    def __init__(self, code: str, status: int, message: str, retryable: bool) -> None:
        super().__init__(f"{code} ({status}): {message}" if status else f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object that was read. `version_id` is None in a bucket without versions."""

    body: bytes
    etag: str
    version_id: str | None
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class S3Head:
    """What S3 says about an object without its body."""

    etag: str
    version_id: str | None
    content_type: str
    size: int


class S3(Protocol):
    """The S3 calls that jobs need. All raise AwsError."""

    def get_object(
        self,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        max_bytes: int | None = None,
    ) -> S3Object:
        """Read an object; `max_bytes` turns a larger one into AwsError `TooLarge`, unread."""

    def head_object(self, bucket: str, key: str, *, version_id: str | None = None) -> S3Head:
        """Describe an object without reading it."""

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
        """Write an object and return its ETag; the conditions are S3's conditional writes."""


class Aws(Protocol):
    """What a job receives in `open_job`."""

    @property
    def s3(self) -> S3:
        """S3 with cached signing and kept-alive connections."""

    def client(self, service: str) -> Any:
        """A botocore client, made once per process. Costs about 10 MB and 50 ms at first."""
