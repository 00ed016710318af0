"""The messages of a batch, and which of them still wait for a job."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

SKEW_SECONDS = 0.5
"""How far the clocks of SQS and Bedrock may differ. An event that is handed over sooner after it
came makes a second job, which finds nothing to do; a batching window of the queue avoids it."""


class Message:
    """When an event came, and how its message is returned to the queue."""

    __slots__ = ("handle", "id", "queue_arn", "sent_at")

    def __init__(self, id: str, *, sent_at: float, handle: str, queue_arn: str) -> None:  # noqa: A002
        self.id = id
        self.sent_at = sent_at
        self.handle = handle
        self.queue_arn = queue_arn


def messages_of(event: Mapping[str, Any]) -> list[Message]:
    """The messages of an event of SQS; none for every other event.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    return [
        Message(
            str(record["messageId"]),
            sent_at=int(record["attributes"]["SentTimestamp"]) / 1000,
            handle=str(record["receiptHandle"]),
            queue_arn=str(record["eventSourceARN"]),
        )
        for record in event.get("Records") or ()
        if record.get("eventSource") == "aws:sqs"
    ]


def newest_waiting(messages: Sequence[Message], *, completed_start: float) -> Message | None:
    """The message that stands for all that wait; None when a completed job, which started at
    `completed_start`, has done for all of them.
    """
    return newest_of([each for each in messages if each.sent_at + SKEW_SECONDS >= completed_start])


def newest_of(messages: Sequence[Message]) -> Message | None:
    """The message that came last; None without any."""
    return max(messages, key=lambda each: each.sent_at, default=None)
