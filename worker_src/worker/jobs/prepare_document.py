"""The demo's job: a message names an object, the job prepares it for a Bedrock knowledge base.

The object (JSON service documentation, Markdown, HTML, PDF, plain text) becomes clean text and a
metadata file in the bucket for prepared documents: `<key>.txt` and `<key>.txt.metadata.json`.
Running twice does no harm and late messages never undo newer ones (`prepared_documents`), so the
job needs no ledger. When a new version cannot be read, the message is rejected and what was made
of the version before stays.

What happens when something is wrong:

===================================================  ============================================
malformed message, other bucket, key too long        Reject
object deleted since S3 announced it                 done: there is nothing left to prepare
object not there, and nobody said it was             Retry: the upload may still come
empty, oversized, encrypted, unreadable, archived    Reject
AccessDenied, no such bucket, KMS trouble            Retry: an operator can repair it
throttling, timeouts, S3 unavailable                 Retry, after the client's own retries
===================================================  ============================================
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from worker.aws import AwsError
from worker.jobs.documents import formats
from worker.jobs.knowledge_base import METADATA_SUFFIX, TEXT_SUFFIX, Prepared, prepare
from worker.jobs.prepared_documents import MISSING, PreparedDocuments
from worker.jobs.sources import MAX_KEY_BYTES, Source, sources_of
from worker.outcomes import Reject, Retry

if TYPE_CHECKING:
    from worker.aws import S3, Aws, S3Object
    from worker.message import Message

DOCUMENTS_BUCKET = "WORKER_DOCUMENTS_BUCKET"
PREPARED_BUCKET = "WORKER_PREPARED_BUCKET"
MAX_BYTES = "WORKER_MAX_DOCUMENT_BYTES"
DEFAULT_MAX_BYTES = 52_428_800

MAX_SOURCE_KEY_BYTES = MAX_KEY_BYTES - len(TEXT_SUFFIX + METADATA_SUFFIX)
LONGEST_VERSION = 128


class PrepareDocument:
    """Reads documents from one bucket, writes their text and metadata to another."""

    def __init__(
        self, s3: S3, *, documents_bucket: str, prepared_bucket: str, max_bytes: int
    ) -> None:
        self._s3 = s3
        self._documents_bucket = documents_bucket
        self._prepared = PreparedDocuments(s3, bucket=prepared_bucket)
        self._max_bytes = max_bytes
        self._logger = logging.getLogger(__name__)

    def key(self, body: str) -> str | None:
        """None: running twice does no harm."""
        return None

    def run(self, message: Message) -> None:
        """Prepare every object that the message names.

        One bad object does not keep the others of the same message from being prepared. If one may
        succeed later the whole message is tried again, otherwise it is rejected.
        """
        problems: list[Reject | Retry] = []
        for source in sources_of(message.body, default_bucket=self._documents_bucket):
            try:
                self._prepare(source)
            except (Reject, Retry) as problem:
                problems.append(problem)
        for temporary in problems:
            if isinstance(temporary, Retry):
                raise temporary
        if problems:
            raise Reject("; ".join([permanent.reason for permanent in problems]))

    def _prepare(self, source: Source) -> None:
        self._check(source)
        current = _Current(self._s3, source, self._max_bytes)
        try:
            self._prepared.publish(source.key, current.prepare)
        except _Deleted:
            self._logger.info(
                "document was deleted after it was announced; nothing to prepare",
                extra={"source": source.uri},
            )
        except AwsError as error:
            raise self._on_write_error(error, source) from error

    def _check(self, source: Source) -> None:
        if source.bucket != self._documents_bucket:
            raise Reject(
                f"bucket: is {source.bucket!r}, this fleet prepares documents of"
                f" {self._documents_bucket!r} only; copy the document there"
            )
        size = len(source.key.encode())
        if size > MAX_SOURCE_KEY_BYTES:
            raise Reject(
                f"key: has {size} bytes, at most {MAX_SOURCE_KEY_BYTES} leave room for"
                f" {TEXT_SUFFIX}{METADATA_SUFFIX}; give the object a shorter key"
            )

    def _on_write_error(self, error: AwsError, source: Source) -> Retry:
        target = f"s3://{self._prepared.bucket}/{source.key}{TEXT_SUFFIX}"
        return Retry(f"{target}: cannot be written, {error}; {_remedy(error, 's3:PutObject')}")


class _Current:
    """The current version of a source, read anew each time and parsed once per version."""

    def __init__(self, s3: S3, source: Source, max_bytes: int) -> None:
        self._s3 = s3
        self._source = source
        self._max_bytes = max_bytes
        self._version = ""
        self._prepared: Prepared | None = None

    def prepare(self) -> Prepared:
        """Read the source and prepare it. Raises Reject, Retry, _Deleted."""
        found = self._read()
        version = _version(found)
        if self._prepared is None or version != self._version:
            try:
                document = formats.read(
                    found.body, key=self._source.key, content_type=found.content_type
                )
            except Reject as problem:
                raise Reject(f"{self._source.uri}: {problem.reason}") from None
            self._version = version
            self._prepared = prepare(document, source_uri=self._source.uri, source_version=version)
        return self._prepared

    def _read(self) -> S3Object:
        source = self._source
        try:
            return self._s3.get_object(source.bucket, source.key, max_bytes=self._max_bytes)
        except AwsError as error:
            raise self._on_read_error(error) from error

    def _on_read_error(self, error: AwsError) -> Exception:
        source = self._source
        if error.code in MISSING:
            if source.existed:
                return _Deleted()
            return Retry(f"key: {source.uri} does not exist (yet); upload it, then send its key")
        if error.code == "TooLarge":
            return Reject(
                f"{source.uri}: is larger than {self._max_bytes:,} bytes; split it, or raise"
                f" {MAX_BYTES} (fleet.max_document_bytes)"
            )
        if error.code == "InvalidObjectState":
            return Reject(f"{source.uri}: is archived; restore it, then send its key again")
        if error.code == "InvalidRequest" and error.status == 400:
            return Reject(
                f"{source.uri}: cannot be read without its customer-provided key"
                f" ({error.message}); upload it with S3-managed or KMS encryption"
            )
        return Retry(f"{source.uri}: cannot be read, {error}; {_remedy(error, 's3:GetObject')}")


class _Deleted(Exception):  # noqa: N818 - not an error
    """The object existed and is gone."""


def _version(found: S3Object) -> str:
    """What tells this content of the key from any other: its version, else its ETag."""
    version = found.version_id
    if version is None or version == "null":  # the version of all objects while versioning is off
        version = found.etag.strip('"')
    if len(version) > LONGEST_VERSION:
        return hashlib.sha256(version.encode()).hexdigest()
    return version


def _remedy(error: AwsError, action: str) -> str:
    if error.code in ("AccessDenied", "403"):
        return (
            f"allow {action} (and kms:Decrypt, kms:GenerateDataKey when a key of your own is"
            " used) in the worker's role, the bucket's policy and the endpoint's policy"
        )
    if error.code == "NoSuchBucket":
        return f"create the bucket, or correct {DOCUMENTS_BUCKET} and {PREPARED_BUCKET}"
    if error.code.startswith("KMS."):
        return "enable the KMS key of the bucket and allow the worker's role to use it"
    if error.retryable:
        return "it passes by itself; if it lasts, look at the health of S3 and at the request rate"
    return "look the code up in S3's list of error codes"


def open_job(environ: Mapping[str, str], *, aws: Aws) -> PrepareDocument:
    """Open the job. Raises ValueError that names what is missing or wrong, with the remedy."""
    documents, prepared = (_bucket(environ, name) for name in (DOCUMENTS_BUCKET, PREPARED_BUCKET))
    if documents == prepared:
        raise ValueError(
            f"{PREPARED_BUCKET}={prepared!r} is also {DOCUMENTS_BUCKET}: what is written would be"
            " announced as a new document, for ever; name two buckets"
        )
    return PrepareDocument(
        aws.s3,
        documents_bucket=documents,
        prepared_bucket=prepared,
        max_bytes=_max_bytes(environ.get(MAX_BYTES, "")),
    )


def _bucket(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ValueError(f"{name} is not set: set it to the name of a bucket")
    return value


def _max_bytes(value: str) -> int:
    try:
        number = int(value) if value.strip() else DEFAULT_MAX_BYTES
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError(f"{MAX_BYTES}={value!r}: set a whole number of bytes from 1")
    return number
