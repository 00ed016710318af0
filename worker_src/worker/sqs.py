"""The three SQS calls that a consumer makes, in batches of ten.

Request bodies that never change are encoded and hashed once.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple, Protocol

from worker.delivery import Delivery
from worker.json_api import JsonApi, unexpected_answer
from worker.message import Message

LARGEST_BATCH = 10
ATTRIBUTES = ("ApproximateReceiveCount",)
CHANGE_TIMEOUT_SECONDS = 5.0


class EntryFailure(NamedTuple):
    """Why SQS refused one entry of a batch. `ours`: the entry is wrong and will stay so."""

    entry: int
    code: str
    message: str
    ours: bool


class Sqs(Protocol):
    """One queue. Calls raise worker.aws.AwsError when they fail as a whole."""

    @property
    def calls(self) -> int:
        """API calls so far, retries included."""

    def receive(self, most: int) -> list[Delivery]:
        """Wait for up to `most` (1 to 10) messages."""

    def delete(self, receipt_handles: Sequence[str]) -> list[EntryFailure]:
        """Delete up to ten messages; return the entries that failed."""

    def change_visibility(
        self, changes: Sequence[tuple[str, int]], *, attempts: int | None = None
    ) -> list[EntryFailure]:
        """Set visibility timeouts, in seconds from now, of up to ten messages."""


class FastSqs:
    """SQS by signed JSON calls on kept-alive connections."""

    def __init__(
        self, api: JsonApi, *, queue_url: str, visibility_timeout: int, wait_time: int
    ) -> None:
        self._api = api
        self._visibility = visibility_timeout
        self._read_timeout = wait_time + 10.0
        self._queue = f'{{"QueueUrl":{quoted(queue_url)}'
        attributes = ",".join(quoted(name) for name in ATTRIBUTES)
        self._receive_bodies: list[tuple[bytes, str]] = []
        for most in range(1, LARGEST_BATCH + 1):
            body = (
                f'{self._queue},"MaxNumberOfMessages":{most},"WaitTimeSeconds":{wait_time},'
                f'"VisibilityTimeout":{visibility_timeout},'
                f'"MessageSystemAttributeNames":[{attributes}]}}'
            ).encode()
            self._receive_bodies.append((body, sha256(body).hexdigest()))

    @property
    def calls(self) -> int:
        """API calls so far, retries included."""
        return self._api.http.calls

    def receive(self, most: int) -> list[Delivery]:
        """Wait for up to `most` messages."""
        body, digest = self._receive_bodies[most - 1]
        answer = self._api.call(
            "ReceiveMessage", body, body_sha256=digest, read_timeout=self._read_timeout
        )
        try:
            return deliveries(answer.get("Messages") or (), visibility_timeout=self._visibility)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unexpected_answer(200, f"ReceiveMessage: {error!r}") from error

    def delete(self, receipt_handles: Sequence[str]) -> list[EntryFailure]:
        """Delete up to ten messages."""
        entries = ",".join(
            [
                f'{{"Id":"{index}","ReceiptHandle":{quoted(handle)}}}'
                for index, handle in enumerate(receipt_handles)
            ]
        )
        body = f'{self._queue},"Entries":[{entries}]}}'.encode()
        # The same time-out as for receiving: changing a socket's costs a system call each time.
        answer = self._api.call("DeleteMessageBatch", body, read_timeout=self._read_timeout)
        return failures(answer, len(receipt_handles))

    def change_visibility(
        self, changes: Sequence[tuple[str, int]], *, attempts: int | None = None
    ) -> list[EntryFailure]:
        """Set the visibility timeouts of up to ten messages."""
        entries = ",".join(
            [
                f'{{"Id":"{index}","ReceiptHandle":{quoted(handle)},"VisibilityTimeout":{seconds}}}'
                for index, (handle, seconds) in enumerate(changes)
            ]
        )
        body = f'{self._queue},"Entries":[{entries}]}}'.encode()
        answer = self._api.call(
            "ChangeMessageVisibilityBatch",
            body,
            read_timeout=min(CHANGE_TIMEOUT_SECONDS, self._read_timeout),
            attempts=attempts,
        )
        return failures(answer, len(changes))


def deliveries(messages: Sequence[dict[str, Any]], *, visibility_timeout: int) -> list[Delivery]:
    """Parse the messages of a ReceiveMessage answer that arrived just now."""
    now = time.monotonic()
    expires = now + visibility_timeout
    found = []
    for entry in messages:
        attributes = entry.get("Attributes") or {}
        message = Message(
            entry.get("Body", ""),
            entry["MessageId"],
            int(attributes.get("ApproximateReceiveCount", 1)),
            attributes,
        )
        found.append(Delivery(message, entry["ReceiptHandle"], now, expires))
    return found


def failures(answer: dict[str, Any], count: int) -> list[EntryFailure]:
    """The failed entries of a batch answer; entries that it does not mention count as failed.

    Raises AwsError when the answer is not one to a batch of `count` entries.
    """
    try:
        return _failures(answer, count)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unexpected_answer(200, f"batch: {error!r}") from error


def _failures(answer: dict[str, Any], count: int) -> list[EntryFailure]:
    successful = answer.get("Successful") or ()
    failed = answer.get("Failed") or ()
    if not failed and len(successful) == count:
        return []
    found = [
        EntryFailure(
            int(entry["Id"]),
            str(entry.get("Code", "")),
            str(entry.get("Message") or ""),
            bool(entry.get("SenderFault")),
        )
        for entry in failed
    ]
    mentioned = {failure.entry for failure in found} | {int(e["Id"]) for e in successful}
    if not mentioned <= set(range(count)):
        raise ValueError(f"{sorted(mentioned)} of {count} entries")
    found.extend(
        EntryFailure(index, "NotAnswered", "SQS did not mention this entry", False)
        for index in range(count)
        if index not in mentioned
    )
    return found
