"""Writes a document's two files so that the newest version wins, whatever the order of messages.

Messages for two versions of one object may be handled at the same time, late, or twice
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html). Two rules make
that harmless without a ledger:

1. What is prepared is the source's current version, not the one that the message names.
2. A file is written only if it has not changed since before the source was read, by S3's
   conditional writes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
   Whoever is late loses, looks again and reads the source again.

S3 is strongly consistent, so whoever writes last has read the source after every earlier write,
and the newest version is among what its reader saw. A document's first preparation costs no call
more than it must: both files are written on condition that they do not exist.

The metadata goes first. A reader that lists the bucket takes metadata without text for nothing,
but text without metadata for a document without attributes, and keeps it until the next change.
If the worker dies between the two, the message comes again and both are written again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from worker.aws import S3, AwsError
from worker.jobs.knowledge_base import METADATA_SUFFIX, TEXT_SUFFIX, Prepared
from worker.outcomes import Retry

ROUNDS = 5
LOST_RACE = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
MISSING = frozenset({"NoSuchKey", "NotFound", "NoSuchVersion"})


@dataclass(frozen=True, slots=True)
class _Written:
    """The ETags of the two files, None for one that does not exist."""

    metadata: str | None = None
    text: str | None = None


class PreparedDocuments:
    """The bucket that a knowledge base reads."""

    def __init__(self, s3: S3, *, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def publish(self, source_key: str, prepare: Callable[[], Prepared]) -> None:
        """Write what `prepare` makes of the source's current version.

        `prepare` is called again whenever somebody else wrote in between. Raises what it raises,
        AwsError, and Retry when others keep winning.
        """
        text_key = f"{source_key}{TEXT_SUFFIX}"
        before = _Written()
        for _ in range(ROUNDS):
            prepared = prepare()
            if self._write(text_key, prepared, before):
                return
            before = _Written(
                metadata=self._etag(f"{text_key}{METADATA_SUFFIX}"), text=self._etag(text_key)
            )
        raise Retry(
            f"s3://{self.bucket}/{text_key}: was written by others {ROUNDS} times while it was"
            " prepared; wait until uploads of this document have settled"
        )

    def _write(self, text_key: str, prepared: Prepared, before: _Written) -> bool:
        """Write both files; False when one has changed since `before`."""
        try:
            self._put(
                f"{text_key}{METADATA_SUFFIX}",
                prepared.metadata,
                "application/json",
                before.metadata,
            )
            self._put(text_key, prepared.text, "text/plain; charset=utf-8", before.text)
        except AwsError as error:
            if error.code in LOST_RACE or (error.code in MISSING and before != _Written()):
                return False
            raise
        return True

    def _put(self, key: str, body: bytes, content_type: str, etag: str | None) -> None:
        self._s3.put_object(
            self.bucket,
            key,
            body,
            content_type=content_type,
            if_match=etag,
            if_none_match="*" if etag is None else None,
        )

    def _etag(self, key: str) -> str | None:
        try:
            return self._s3.head_object(self.bucket, key).etag
        except AwsError as error:
            if error.code in MISSING:
                return None
            raise
