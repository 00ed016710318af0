"""How many messages a process may hold, and how they are handed to threads.

Both follow from one measured number, the mean time that a message takes. Quick jobs get a buffer,
so that no thread waits for the network, and are handed over in chunks or run where they arrive;
slow jobs get none, so that messages stay in the queue for whoever is free.
"""

from __future__ import annotations

import threading

from worker.sqs import LARGEST_BATCH

# Work that the buffer holds for every thread, and work that is worth one hand-over, in seconds.
BUFFER_SECONDS = 0.25
CHUNK_SECONDS = 0.002
WEIGHT_OF_NEW = 0.2
# While messages take this long now and then, each goes to a thread of its own: a quick one must not
# wait behind a slow one, nor a poller be stuck in it.
SLOW_SECONDS = 0.02
FORGET_SLOW = 0.999


class Room:
    """A bound on messages in hand (back-pressure for the pollers)."""

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._most_buffered = max(2 * LARGEST_BATCH, 2 * threads)
        self._changed = threading.Condition()
        self._taken = 0
        self._limit = threads
        self._least = 1
        self._closed = False
        self._slowest = 0.0
        self.mean: float | None = None
        self.chunk = 1

    @property
    def limit(self) -> int:
        """Messages that may be in hand at the moment."""
        return self._limit

    def take(self) -> int:
        """Wait for room and take some: how many messages to ask for, 0 when closed."""
        with self._changed:
            while not self._closed:
                free = self._limit - self._taken
                if free >= self._least:
                    asked = min(LARGEST_BATCH, free)
                    self._taken += asked
                    return asked
                self._changed.wait()
        return 0

    def give_back(self, count: int) -> None:
        """Messages are no longer in hand, or fewer came than were asked for."""
        with self._changed:
            self._taken -= count
            if self._limit - self._taken >= self._least:
                self._changed.notify()

    def measured(self, seconds: float) -> None:
        """A message took so long: adjust the bound and the chunks."""
        mean = self.mean
        self.mean = mean = seconds if mean is None else mean + WEIGHT_OF_NEW * (seconds - mean)
        self._slowest = max(seconds, self._slowest * FORGET_SLOW)
        mean = max(mean, 1e-9)
        buffered = min(self._most_buffered, int(self._threads * BUFFER_SECONDS / mean))
        chunk = 1 if self._slowest > SLOW_SECONDS else int(CHUNK_SECONDS / mean)
        self.chunk = max(1, min(LARGEST_BATCH, chunk))
        self._least = max(1, min(LARGEST_BATCH, buffered))
        self._limit = self._threads + buffered

    def is_small(self, messages: int) -> bool:
        """Whether so many messages are too little work to hand over."""
        mean = self.mean
        return (
            mean is not None and mean * messages <= CHUNK_SECONDS and self._slowest <= SLOW_SECONDS
        )

    def close(self) -> None:
        """Let every waiting poller go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
