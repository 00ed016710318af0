"""The same interfaces as the fast path's, served by botocore clients.

Used where the fast path cannot serve: proxies, access points, buckets in other Regions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from worker.aws import AwsError, S3Head, S3Object
from worker.delivery import Delivery
from worker.retries import is_retryable
from worker.s3 import too_large
from worker.sqs import ATTRIBUTES, EntryFailure, deliveries, failures


@contextmanager
def as_aws_error() -> Iterator[None]:
    """Turn botocore's exceptions into AwsError."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        content = error.response.get("Error", {})
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(content.get("Code", status))
        code = "NotFound" if code == "404" else code
        raise AwsError(
            code, status, str(content.get("Message", error)), is_retryable(code, status)
        ) from error
    except BotoCoreError as error:
        retryable = not isinstance(error, ParamValidationError)
        raise AwsError(type(error).__name__, 0, str(error), retryable) from error


class BotocoreSqs:
    """SQS by a botocore client."""

    def __init__(
        self, client: Any, *, queue_url: str, visibility_timeout: int, wait_time: int
    ) -> None:
        self.calls = 0
        self._client = client
        self._queue_url = queue_url
        self._visibility = visibility_timeout
        self._wait_time = wait_time

    def receive(self, most: int) -> list[Delivery]:
        """Wait for up to `most` messages."""
        self.calls += 1
        with as_aws_error():
            answer = self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=most,
                WaitTimeSeconds=self._wait_time,
                VisibilityTimeout=self._visibility,
                MessageSystemAttributeNames=list(ATTRIBUTES),
            )
        return deliveries(answer.get("Messages") or (), visibility_timeout=self._visibility)

    def delete(self, receipt_handles: Sequence[str]) -> list[EntryFailure]:
        """Delete up to ten messages."""
        self.calls += 1
        entries = [
            {"Id": str(index), "ReceiptHandle": handle}
            for index, handle in enumerate(receipt_handles)
        ]
        with as_aws_error():
            answer = self._client.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return failures(answer, len(entries))

    def change_visibility(
        self,
        changes: Sequence[tuple[str, int]],
        *,
        attempts: int | None = None,  # noqa: ARG002 - the client's own configuration decides
    ) -> list[EntryFailure]:
        """Set the visibility timeouts of up to ten messages."""
        self.calls += 1
        entries = [
            {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
            for index, (handle, seconds) in enumerate(changes)
        ]
        with as_aws_error():
            answer = self._client.change_message_visibility_batch(
                QueueUrl=self._queue_url, Entries=entries
            )
        return failures(answer, len(entries))


class BotocoreS3:
    """S3 by a botocore client, which is made when it is first needed."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def get_object(
        self,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        max_bytes: int | None = None,
    ) -> S3Object:
        """Read an object of at most `max_bytes`."""
        version = {"VersionId": version_id} if version_id else {}
        with as_aws_error():
            answer = self._client().get_object(Bucket=bucket, Key=key, **version)
            size = int(answer["ContentLength"])
            if max_bytes is not None and size > max_bytes:
                answer["Body"].close()
                raise too_large(bucket, key, size, max_bytes)
            body: bytes = answer["Body"].read()
        head = _head(answer)
        return S3Object(body, head.etag, head.version_id, head.content_type, len(body))

    def head_object(self, bucket: str, key: str, *, version_id: str | None = None) -> S3Head:
        """Describe an object."""
        version = {"VersionId": version_id} if version_id else {}
        with as_aws_error():
            return _head(self._client().head_object(Bucket=bucket, Key=key, **version))

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
        """Write an object and return its ETag."""
        conditions = {}
        if if_none_match is not None:
            conditions["IfNoneMatch"] = if_none_match
        if if_match is not None:
            conditions["IfMatch"] = if_match
        with as_aws_error():
            answer = self._client().put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type, **conditions
            )
        return str(answer["ETag"])


def _head(answer: dict[str, Any]) -> S3Head:
    return S3Head(
        etag=answer.get("ETag", ""),
        version_id=answer.get("VersionId"),
        content_type=answer.get("ContentType", "binary/octet-stream"),
        size=int(answer.get("ContentLength", 0)),
    )
