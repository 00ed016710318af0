"""S3's object calls for jobs, signed and sent by the fast path.

Virtual-hosted buckets on AWS, path style for configured endpoints and for names with dots, as
botocore addresses them. What the fast path does not know (access points, directory buckets,
acceleration, redirects to another Region) goes to botocore.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from worker.aws import S3, AwsError, S3Head, S3Object
from worker.http_connection import Response
from worker.signed_http import SignedHttp, Template

VIRTUAL_HOST_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
REDIRECT_CODES = frozenset(
    {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301", "307"}
)
LARGEST_ERROR_BODY = 65_536
OBJECT_READ_TIMEOUT_SECONDS = 30.0


class Address(NamedTuple):
    """Where a request for an object goes: host (None for the endpoint's own) and path."""

    host: str | None
    path: str


class FastS3:
    """S3 by signed requests; `fallback` serves what this class does not."""

    def __init__(
        self, http: SignedHttp, *, fallback: S3, path_style: bool, logger: logging.Logger
    ) -> None:
        self._http = http
        self._fallback = fallback
        self._path_style = path_style
        self._logger = logger
        self._elsewhere: set[str] = set()

    def get_object(
        self,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        max_bytes: int | None = None,
    ) -> S3Object:
        """Read an object of at most `max_bytes`."""
        if self._unknown(bucket, key):
            return self._fallback.get_object(
                bucket, key, version_id=version_id, max_bytes=max_bytes
            )
        most = None if max_bytes is None else max(max_bytes, LARGEST_ERROR_BODY)
        try:
            response = self._send("GET", bucket, key, version_id=version_id, largest_body=most)
        except AwsError as error:
            self._rethrow_unless_elsewhere(error, bucket)
            return self._fallback.get_object(
                bucket, key, version_id=version_id, max_bytes=max_bytes
            )
        size = max(len(response.body), int(response.headers.get("content-length", 0)))
        if max_bytes is not None and size > max_bytes:
            raise too_large(bucket, key, size, max_bytes)
        head = _head(response, size)
        return S3Object(response.body, head.etag, head.version_id, head.content_type, size)

    def head_object(self, bucket: str, key: str, *, version_id: str | None = None) -> S3Head:
        """Describe an object."""
        if self._unknown(bucket, key):
            return self._fallback.head_object(bucket, key, version_id=version_id)
        try:
            response = self._send("HEAD", bucket, key, version_id=version_id)
        except AwsError as error:
            # An answer to HEAD gives no reason: 400 may mean another Region, which botocore finds.
            if error.status != 400:
                self._rethrow_unless_elsewhere(error, bucket)
            return self._fallback.head_object(bucket, key, version_id=version_id)
        return _head(response, int(response.headers.get("content-length", 0)))

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
        if self._unknown(bucket, key):
            return self._fallback.put_object(
                bucket,
                key,
                body,
                content_type=content_type,
                if_none_match=if_none_match,
                if_match=if_match,
            )
        headers = {"content-type": content_type}
        if if_none_match is not None:
            headers["if-none-match"] = if_none_match
        if if_match is not None:
            headers["if-match"] = if_match
        try:
            response = self._send("PUT", bucket, key, body=body, headers=headers)
        except AwsError as error:
            self._rethrow_unless_elsewhere(error, bucket)
            return self.put_object(
                bucket,
                key,
                body,
                content_type=content_type,
                if_none_match=if_none_match,
                if_match=if_match,
            )
        return response.headers.get("etag", "")

    def _send(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        largest_body: int | None = None,
    ) -> Response:
        for name, value in (headers or {}).items():
            if not (value.isascii() and value.isprintable()):
                raise AwsError(
                    "InvalidHeader", 0, f"{name}: {value!r}; use printable ASCII characters", False
                )
        address = self.address(bucket, key)
        template = Template(
            method,
            address.path,
            headers=headers or {},
            query=f"versionId={quote(version_id, safe='-_.~')}" if version_id else "",
            host=address.host,
        )
        return self._http.request(
            template,
            body=body,
            read_timeout=OBJECT_READ_TIMEOUT_SECONDS,
            largest_body=largest_body,
        )

    def address(self, bucket: str, key: str) -> Address:
        """Host and encoded path of an object."""
        path = "/" + quote(key, safe="/~")
        if self._path_style or not VIRTUAL_HOST_NAME.fullmatch(bucket):
            return Address(None, f"/{quote(bucket, safe='')}{path}")
        return Address(f"{bucket}.{self._http.endpoint.host}", path)

    def _unknown(self, bucket: str, key: str) -> bool:
        if not bucket:
            raise AwsError("InvalidBucketName", 0, "the bucket's name is empty; set it", False)
        if not key:  # which would be a request for the bucket's listing
            raise AwsError("InvalidKey", 0, "the object's key is empty; set it", False)
        return bucket.startswith("arn:") or bucket.endswith("--x-s3") or bucket in self._elsewhere

    def _rethrow_unless_elsewhere(self, error: AwsError, bucket: str) -> None:
        if error.code not in REDIRECT_CODES:
            raise error
        self._elsewhere.add(bucket)
        self._logger.warning(
            "bucket is in another Region; its objects go through botocore",
            extra={"bucket": bucket, "error": str(error)},
        )


def too_large(bucket: str, key: str, size: int, max_bytes: int) -> AwsError:
    """The error for an object above the caller's limit."""
    return AwsError(
        "TooLarge",
        0,
        f"s3://{bucket}/{key} has {size} bytes or more, at most {max_bytes} are allowed",
        False,
    )


def parse_s3_error(response: Response) -> tuple[str, str]:
    """Code and message of S3's XML error; the answer to a HEAD has none, its status decides.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    text = response.body[:LARGEST_ERROR_BODY].decode("utf-8", "replace")
    code, message = _element(text, "Code"), _element(text, "Message")
    if not code:
        code = {403: "AccessDenied", 404: "NotFound", 412: "PreconditionFailed"}.get(
            response.status, str(response.status)
        )
    return code, message


def _element(text: str, name: str) -> str:
    match = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return html.unescape(match.group(1)) if match else ""


def _head(response: Response, size: int) -> S3Head:
    headers = response.headers
    return S3Head(
        etag=headers.get("etag", ""),
        version_id=headers.get("x-amz-version-id"),
        content_type=headers.get("content-type", "binary/octet-stream"),
        size=size,
    )
