"""Which objects a message names. Pure: no AWS, no settings but the default bucket.

Three shapes arrive in practice:

* plain JSON, `{"key": ..., "bucket"?: ..., "versionId"?: ...}`, for people and programs;
* S3 event notifications: `Records[]`, whose keys are URL-encoded with `+` for a space
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html);
* S3 events from EventBridge, one object each, whose keys are not encoded
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).

Versions are not passed on: a job works on the current one (`prepared_documents` says why). Two
kinds of message name no document, so there is nothing to do: `s3:TestEvent`, which S3 sends when a
notification is configured
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html),
and keys that end in `/`, which S3's console makes for folders
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-folders.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from worker.outcomes import Reject

MAX_KEY_BYTES = 1024
"""S3's limit for a key in UTF-8:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

SHAPES = (
    'send {"key": "incoming/a.pdf"}, an S3 event notification, or an EventBridge'
    ' "Object Created" event'
)


@dataclass(frozen=True, slots=True)
class Source:
    """One object to prepare.

    `existed` says that it was there when the message was sent: S3 announced it, or the sender knew
    its version. S3 is strongly consistent, so if it is missing now, it was deleted.
    """

    bucket: str
    key: str
    existed: bool = False

    @property
    def uri(self) -> str:
        """The object as `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder that S3's console made, not a document."""
        return self.key.endswith("/")


def sources_of(body: str, *, default_bucket: str) -> list[Source]:
    """The objects that a message body names; empty when there is nothing to do.

    Raises Reject naming the field and the remedy when the body has none of the three shapes.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Reject(f"body: is not JSON ({error}); {SHAPES}") from None
    if not isinstance(message, dict):
        raise Reject(f"body: is a JSON {_kind(message)}, not an object; {SHAPES}")
    if message.get("Event") == "s3:TestEvent":
        return []
    if "Records" in message:
        return _from_notification(message["Records"])
    if "detail-type" in message or "detail" in message:
        source = _from_eventbridge(message)
        return [] if source.is_folder else [source]
    if "key" in message:
        bucket = _text(message, "bucket", "bucket") if "bucket" in message else default_bucket
        existed = bool(message.get("versionId"))
        return [_source(bucket, _text(message, "key", "key"), "key", existed=existed)]
    raise Reject(f"body: has none of the fields key, Records, detail; {SHAPES}")


def _from_notification(records: object) -> list[Source]:
    if not isinstance(records, list) or not records:
        raise Reject(f"Records: must be a list with at least one record; {SHAPES}")
    sources = [_from_record(record, f"Records[{index}]") for index, record in enumerate(records)]
    return [source for source in dict.fromkeys(sources) if not source.is_folder]


def _from_record(record: object, at: str) -> Source:
    event = _text(record, "eventName", f"{at}.eventName")
    if not event.removeprefix("s3:").startswith("ObjectCreated:"):
        raise Reject(
            f"{at}.eventName: is {event!r}; subscribe the queue to s3:ObjectCreated:* events only"
        )
    s3 = _object(record, "s3", f"{at}.s3")
    bucket = _object(s3, "bucket", f"{at}.s3.bucket")
    entry = _object(s3, "object", f"{at}.s3.object")
    at_key = f"{at}.s3.object.key"
    return _source(
        _text(bucket, "name", f"{at}.s3.bucket.name"),
        unquote_plus(_text(entry, "key", at_key)),
        at_key,
        existed=True,
    )


def _from_eventbridge(event: Mapping[str, Any]) -> Source:
    kind = _text(event, "detail-type", "detail-type")
    if kind != "Object Created":
        raise Reject(f"detail-type: is {kind!r}; let the rule match 'Object Created' events only")
    detail = _object(event, "detail", "detail")
    bucket = _object(detail, "bucket", "detail.bucket")
    entry = _object(detail, "object", "detail.object")
    return _source(
        _text(bucket, "name", "detail.bucket.name"),
        _text(entry, "key", "detail.object.key"),
        "detail.object.key",
        existed=True,
    )


def _source(bucket: str, key: str, at_key: str, *, existed: bool) -> Source:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise Reject(f"{at_key}: is not valid Unicode; send the key as S3 stores it") from None
    if size > MAX_KEY_BYTES:
        raise Reject(
            f"{at_key}: has {size} bytes, S3 allows {MAX_KEY_BYTES}; send the key of an object"
        )
    return Source(bucket, key, existed)


def _object(holder: object, name: str, at: str) -> Mapping[str, Any]:
    value = holder.get(name) if isinstance(holder, Mapping) else None
    if not isinstance(value, Mapping):
        raise Reject(f"{at}: must be a JSON object; {SHAPES}")
    return value


def _text(holder: object, name: str, at: str) -> str:
    value = holder.get(name) if isinstance(holder, Mapping) else None
    if not isinstance(value, str) or not value:
        raise Reject(f"{at}: must be a non-empty string; {SHAPES}")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "boolean", int: "number", float: "number", str: "string"}.get(type(value), "list")
