"""Hands a job's documents to the queue in batches of ten.

A batch can fail in part. What SQS calls the sender's fault will not improve and is reported with
the document; everything else is tried again a few times and then reported.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

from __future__ import annotations

import json

from edge.errors import AwsError, delay_before_retry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Call = Callable[..., dict[str, Any]]

LARGEST_BATCH = 10
ROUNDS = 3
LONGEST_REASON = 200
"""In characters; an item of DynamoDB holds 400 KB, and each document may have its own."""


def message_of(document: dict[str, str], *, job: str, index: int, expires: int) -> str:
    """The body of one document's message; jobs/__init__.py describes it."""
    return json.dumps(
        {"job": job, "document": document_id(index), "expires": expires, **document},
        separators=(",", ":"),
    )


def document_id(index: int) -> str:
    """The sort key of a document's item."""
    return f"{index:06d}"


def send_batch(
    call: Call, *, queue_url: str, messages: Sequence[str], sleep: Callable[[float], None]
) -> dict[int, str]:
    """Send up to ten messages; the reasons of those that SQS refused, by position.

    Raises AwsError when the first call fails as a whole: nothing is sent then. What is left of a
    batch when a later one fails is refused, so that what was sent is never sent again.
    """
    refused: dict[int, str] = {}
    left = list(range(len(messages)))
    for round_ in range(1, ROUNDS + 1):
        entries = [{"Id": str(index), "MessageBody": messages[index]} for index in left]
        try:
            answer = call("sqs", "SendMessageBatch", QueueUrl=queue_url, Entries=entries)
        except AwsError as error:
            if round_ == 1:
                raise
            return {**refused, **dict.fromkeys(left, str(error))}
        sent = {int(entry["Id"]) for entry in answer.get("Successful") or ()}
        failed = {int(entry["Id"]): entry for entry in answer.get("Failed") or ()}
        again = []
        for index in left:
            if index in sent:
                refused.pop(index, None)
                continue
            failure = failed.get(index, {"Code": "NotAnswered"})
            reason = f"{failure.get('Code')}: {failure.get('Message', '')}".rstrip(": ")
            refused[index] = reason[:LONGEST_REASON]
            if not failure.get("SenderFault"):
                again.append(index)
        left = again
        if not left:
            break
        if round_ < ROUNDS:
            sleep(delay_before_retry(round_) / 4)
    return refused
