"""A standard queue in memory, built for speed: everything that can be encoded early is.

It keeps what consumers depend on: visibility timeouts, a receipt handle per receive of the length
that SQS uses, receive counts, correct MD5 digests.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from hashlib import md5
from json.encoder import encode_basestring_ascii as quoted
from uuid import UUID

DEFAULT_VISIBILITY_SECONDS = 30.0
# A receipt handle of SQS has 180 characters and more, all of which are sent, parsed and hashed.
HANDLE_PADDING = "groundwork" * 17
SENDER = "AROAEXAMPLE:bench"


class Stored:
    """A message; `content` is its JSON up to what changes with each receive."""

    __slots__ = ("body", "content", "expires_at", "number", "receives", "sent_at")

    def __init__(self, number: int, body: str) -> None:
        self.number = number
        self.body = body
        self.receives = 0
        self.expires_at = 0.0
        self.sent_at = int(time.time() * 1000)
        self.content = (
            f'{{"Body":{quoted(body)},"MD5OfBody":"{md5_hex(body)}","MessageId":"{self.message_id}"'
        )

    @property
    def message_id(self) -> str:
        """A UUID, as SQS gives."""
        return str(UUID(int=self.number))

    @property
    def handle(self) -> str:
        """The receipt handle of the latest receive."""
        return f"AQEB{self.number:012d}{self.receives:04d}{HANDLE_PADDING}"

    def attribute(self, name: str) -> str:
        """A system attribute."""
        match name:
            case "ApproximateReceiveCount":
                return str(self.receives)
            case "SenderId":
                return SENDER
            case _:
                return str(self.sent_at)


ATTRIBUTES = (
    "SenderId",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "SentTimestamp",
)


class Queue:
    """Messages, and counts of what was done with them."""

    def __init__(self) -> None:
        self.visible: deque[Stored] = deque()
        self.in_flight: dict[int, Stored] = {}
        self.calls: Counter[str] = Counter()
        self.deleted = 0
        self.received_again = 0
        self._numbers = 0

    def __len__(self) -> int:
        return len(self.visible) + len(self.in_flight)

    def send(self, bodies: Iterable[str]) -> list[Stored]:
        """Add messages."""
        sent = []
        for body in bodies:
            self._numbers += 1
            message = Stored(self._numbers, body)
            self.visible.append(message)
            sent.append(message)
        return sent

    def receive(self, most: int, visibility: float, attributes: Sequence[str]) -> list[str]:
        """Up to `most` messages as JSON."""
        expires_at = time.monotonic() + visibility
        found = []
        visible = self.visible
        for _ in range(min(most, len(visible))):
            message = visible.popleft()
            message.receives += 1
            if message.receives > 1:
                self.received_again += 1
            message.expires_at = expires_at
            self.in_flight[message.number] = message
            text = f'{message.content},"ReceiptHandle":"{message.handle}"'
            if attributes:
                pairs = ",".join([f'"{name}":"{message.attribute(name)}"' for name in attributes])
                text = f'{text},"Attributes":{{{pairs}}}'
            found.append(f"{text}}}")
        return found

    def delete(self, handle: str) -> None:
        """Delete by receipt handle; an old one is accepted and ignored, as SQS does."""
        message = self._held(handle)
        if message is not None:
            del self.in_flight[message.number]
            self.deleted += 1

    def change_visibility(self, handle: str, seconds: float) -> bool:
        """Set the timeout of a message in flight; False for a handle that holds none."""
        message = self._held(handle)
        if message is None:
            return False
        message.expires_at = time.monotonic() + seconds
        if not seconds:
            del self.in_flight[message.number]
            self.visible.append(message)
        return True

    def expire(self) -> bool:
        """Make messages visible whose timeout is over; whether there were any."""
        now = time.monotonic()
        expired = [message for message in self.in_flight.values() if message.expires_at <= now]
        for message in expired:
            del self.in_flight[message.number]
        self.visible.extend(expired)
        return bool(expired)

    def _held(self, handle: str) -> Stored | None:
        number = handle[4:16]
        message = self.in_flight.get(int(number)) if number.isdigit() else None
        return message if message is not None and message.handle == handle else None


def md5_hex(text: str) -> str:
    """What MD5OfBody holds."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()
