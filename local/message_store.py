"""The messages of one standard queue, with every operation in O(log n).

MiniStack keeps a list and walks it about fourteen times per receive and delete, so a backlog slows
down the queue that is meant to absorb it. This store takes the place of that list: it is iterated,
counted and appended to like one, which is all that MiniStack's other services do.

Two heaps say what is due: `ready` by order of arrival, `later` (delayed or in flight) by the moment
at which a message becomes visible. Entries that are out of date stay in a heap until they surface.
All times are seconds since the epoch, passed in by the caller.
"""

from __future__ import annotations

import heapq
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]

READY, DELAYED, IN_FLIGHT = "ready", "delayed", "in-flight"
HANDLE = re.compile(r"^GW([0-9a-f]{1,16})-[0-9a-f]{32}$")
# The longest a message can stay in flight after it was received
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html).
LONGEST_VISIBILITY_SECONDS = 43_200
# From the third receive on, the age of the oldest message is that of the next oldest one
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
POISON_RECEIVES = 3
COMPACT_AT = 4096


class InvalidHandleError(ValueError):
    """A receipt handle that this queue never gave out."""


class NotAvailableError(ValueError):
    """The message is gone, or somebody else received it since."""


class BeyondLimitError(ValueError):
    """The visibility timeout would exceed the longest one, counted from the receive."""


@dataclass(kw_only=True)
class Traffic:
    """What went through the queue since it was made."""

    sent: int = 0
    sent_bytes: int = 0
    received: int = 0
    deleted: int = 0
    empty_receives: int = 0


@dataclass(slots=True)
class _Entry:
    number: int
    message: Message
    place: str
    received: float = 0.0


class MessageStore:
    """Holds MiniStack's message dictionaries; `complete` fills in what a producer left out."""

    def __init__(
        self,
        messages: Iterable[Message] = (),
        *,
        now: float,
        complete: Callable[[Message], None] = lambda _message: None,
    ) -> None:
        self.traffic = Traffic()
        self._complete = complete
        self._lock = threading.RLock()
        self._next = 0
        self._entries: dict[int, _Entry] = {}
        self._ready: list[int] = []
        self._later: list[tuple[float, int]] = []
        self._oldest: list[tuple[float, int]] = []
        self._returned: list[_Entry] = []
        self._handles: dict[str, _Entry] = {}
        self._counts = {READY: 0, DELAYED: 0, IN_FLIGHT: 0}
        for message in messages:
            self._add(message, now)

    # As a list

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Message]:
        with self._lock:
            return iter([entry.message for entry in self._entries.values()])

    def __getitem__(self, index: int) -> Message:
        with self._lock:
            if index == -1 and self._entries:
                return next(reversed(self._entries.values())).message
            return list(self)[index]

    def append(self, message: Message) -> None:
        """A message that was sent."""
        with self._lock:
            self._add(message, message.get("sent_at", 0.0))
            self.traffic.sent += 1
            self.traffic.sent_bytes += len(str(message.get("body", "")).encode())

    def take_dead_letter(self, message: Message, *, now: float) -> None:
        """A message that another queue gave up; it keeps the moment at which it was sent.

        So retention goes on counting from the send, as in AWS
        (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).
        """
        with self._lock:
            moved = {**message, "receipt_handle": None, "visible_at": now, "moved_at": now}
            self._add(moved, now)

    def remove(self, message: Message) -> None:
        """Take out one message. Raises ValueError when it is not there, as a list does."""
        with self._lock:
            for entry in self._entries.values():
                if entry.message is message:
                    self._drop(entry)
                    return
            raise ValueError("the message is not in the queue")

    def clear(self) -> None:
        """Take out everything; what was given out stays known as given out."""
        with self._lock:
            self._entries.clear()
            self._handles.clear()
            self._ready.clear()
            self._later.clear()
            self._returned.clear()
            self._oldest.clear()
            self._counts = dict.fromkeys(self._counts, 0)

    # As a queue

    def counts(self, now: float) -> tuple[int, int, int]:
        """Visible, in flight, delayed."""
        with self._lock:
            self._surface(now)
            return self._counts[READY], self._counts[IN_FLIGHT], self._counts[DELAYED]

    def oldest(self) -> float | None:
        """When the oldest message came into this queue; poison counts only if there is no other."""
        with self._lock:
            poison: float | None = None
            for entry in self._entries.values():
                message = entry.message
                arrived = float(message["moved_at" if "moved_at" in message else "sent_at"])
                if message["receive_count"] < POISON_RECEIVES:
                    return arrived
                poison = arrived if poison is None else poison
            return poison

    def receive(
        self,
        limit: int,
        *,
        visibility: float,
        now: float,
        most_in_flight: int | None = None,
        most_receives: int | None = None,
        exhausted: Callable[[Message], None] = lambda _message: None,
    ) -> list[Message]:
        """Up to `limit` visible messages, oldest first, and none beyond `most_in_flight`.

        A message that was received `most_receives` times already goes to `exhausted` instead.
        """
        with self._lock:
            self._surface(now)
            if most_receives:
                self._give_up(most_receives, exhausted)
            if most_in_flight is not None:
                limit = min(limit, most_in_flight - self._counts[IN_FLIGHT])
            given: list[Message] = []
            while self._ready and len(given) < limit:
                entry = self._entries.get(heapq.heappop(self._ready))
                if entry is not None and entry.place == READY:
                    self._give(entry, visibility, now)
                    given.append(entry.message)
            self.traffic.received += len(given)
            return given

    def delete(self, handle: str) -> None:
        """Delete by the latest receipt handle; an older one deletes nothing and is no error.

        (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html)
        Raises InvalidHandleError.
        """
        with self._lock:
            entry = self._handles.get(handle)
            if entry is None:
                self._check_given_out(handle)
                return
            self._drop(entry)
            self.traffic.deleted += 1

    def change_visibility(self, handle: str, seconds: float, *, now: float) -> None:
        """Hide a message for that long from now on; no effect when it is visible already.

        Raises InvalidHandleError, NotAvailableError, BeyondLimitError.
        """
        with self._lock:
            self._surface(now)
            entry = self._handles.get(handle)
            if entry is None:
                self._check_given_out(handle)
                raise NotAvailableError
            if entry.place != IN_FLIGHT:
                return
            if now + seconds - entry.received > LONGEST_VISIBILITY_SECONDS:
                raise BeyondLimitError
            entry.message["visible_at"] = now + seconds
            heapq.heappush(self._later, (now + seconds, entry.number))
            self._surface(now)

    def expire(self, before: float) -> None:
        """Drop what arrived at or before that moment."""
        with self._lock:
            while self._oldest and self._oldest[0][0] <= before:
                entry = self._entries.get(heapq.heappop(self._oldest)[1])
                if entry is not None:
                    self._drop(entry)

    # Inside

    def _add(self, message: Message, now: float) -> None:
        self._complete(message)
        due = message["visible_at"]
        place = READY if due <= now else (IN_FLIGHT if message["receive_count"] else DELAYED)
        entry = _Entry(self._next, message, place)
        self._next += 1
        self._entries[entry.number] = entry
        self._counts[place] += 1
        if message.get("receipt_handle"):
            self._handles[message["receipt_handle"]] = entry
        if place == READY:
            heapq.heappush(self._ready, entry.number)
            if message["receive_count"]:
                self._returned.append(entry)
        else:
            heapq.heappush(self._later, (due, entry.number))
        arrived = float(message["sent_at"])
        heapq.heappush(self._oldest, (arrived, entry.number))

    def _surface(self, now: float) -> None:
        """Make visible what is due."""
        while self._later and self._later[0][0] <= now:
            due, number = heapq.heappop(self._later)
            entry = self._entries.get(number)
            if entry is None or entry.place == READY or entry.message["visible_at"] != due:
                continue
            if entry.place == IN_FLIGHT:
                self._returned.append(entry)
            self._put(entry, READY)
            heapq.heappush(self._ready, number)

    def _give_up(self, most_receives: int, exhausted: Callable[[Message], None]) -> None:
        """Part with the messages that came back and were received often enough."""
        returned, self._returned = self._returned, []
        for entry in returned:
            there = self._entries.get(entry.number) is entry and entry.place == READY
            if there and entry.message["receive_count"] >= most_receives:
                self._drop(entry)
                exhausted(entry.message)

    def _give(self, entry: _Entry, visibility: float, now: float) -> None:
        message = entry.message
        self._handles.pop(message["receipt_handle"], None)
        message["receipt_handle"] = f"GW{entry.number:x}-{uuid.uuid4().hex}"
        message["receive_count"] += 1
        message["visible_at"] = now + visibility
        if message.get("first_receive_at") is None:
            message["first_receive_at"] = now
        entry.received = now
        self._handles[message["receipt_handle"]] = entry
        self._put(entry, IN_FLIGHT)
        heapq.heappush(self._later, (now + visibility, entry.number))

    def _put(self, entry: _Entry, place: str) -> None:
        self._counts[entry.place] -= 1
        self._counts[place] += 1
        entry.place = place

    def _drop(self, entry: _Entry) -> None:
        self._counts[entry.place] -= 1
        del self._entries[entry.number]
        self._handles.pop(entry.message["receipt_handle"], None)
        if len(self._oldest) > 2 * len(self._entries) + COMPACT_AT:
            self._oldest = [item for item in self._oldest if item[1] in self._entries]
            heapq.heapify(self._oldest)

    def _check_given_out(self, handle: str) -> None:
        match = HANDLE.match(handle)
        if match is None or int(match.group(1), 16) >= self._next:
            raise InvalidHandleError
