"""A message in the worker's hands: what SQS gave, and how long it is ours."""

from __future__ import annotations

from worker.message import Message


class Delivery:
    """One receive of one message. Times are on the monotonic clock, in seconds.

    `expires_at` is when the visibility timeout ends unless it is extended. `lost` is set when SQS
    says that the receipt handle is no longer ours: whatever the job does then is dropped.
    """

    __slots__ = ("expires_at", "lost", "message", "receipt_handle", "received_at")

    def __init__(
        self, message: Message, receipt_handle: str, received_at: float, expires_at: float
    ) -> None:
        self.message = message
        self.receipt_handle = receipt_handle
        self.received_at = received_at
        self.expires_at = expires_at
        self.lost = False
