"""Deletes, collected across polls until ten are together or the oldest has waited 50 ms.

A batch costs as much as a single delete. Entries that SQS fails for its own reasons are tried again
as long as their lease lasts; entries whose receipt handle is refused belong to somebody else.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from worker.aws import AwsError
from worker.delivery import Delivery
from worker.logs import Repeated
from worker.metrics import Metrics
from worker.sqs import LARGEST_BATCH, Sqs

LINGER_SECONDS = 0.05
RETRY_SECONDS = 0.5
MOST_SENDERS = 4

Batch = list[Delivery]


class Deletes:
    """Deletes finished messages in the background.

    A message whose delete is refused for good, or whose lease ends before the delete came through,
    will be seen again: at least once is what a standard queue promises anyway.
    """

    def __init__(self, sqs: Sqs, *, metrics: Metrics, logger: logging.Logger) -> None:
        self._sqs = sqs
        self._metrics = metrics
        self._logger = logger
        self._repeated = Repeated(logger)
        self._lock = threading.Lock()
        self._waiting: deque[Delivery] = deque()
        self._oldest = 0.0
        self._armed = False
        self._unfinished = 0
        self._hurry = False
        self._full: SimpleQueue[Batch | None] = SimpleQueue()
        self._senders = 0

    def start(self) -> None:
        """Start the first sender; more follow when batches queue up."""
        self._add_sender()

    def add(self, done: Sequence[Delivery], *, send_here: bool = False) -> None:
        """Delete messages that are done.

        With `send_here` the calling thread sends what makes a full batch, which saves a hand-over;
        the batch may hold messages of others, and not all of the caller's.
        """
        with self._lock:
            self._unfinished += len(done)
        self._enqueue(done, send_here)

    def _enqueue(self, done: Sequence[Delivery], send_here: bool) -> None:
        batches: list[Batch] = []
        arm = False
        with self._lock:
            if not self._waiting:
                self._oldest = time.monotonic()
            self._waiting.extend(done)
            while len(self._waiting) >= LARGEST_BATCH:
                batches.append([self._waiting.popleft() for _ in range(LARGEST_BATCH)])
                self._oldest = time.monotonic()
            if self._waiting and not self._armed:
                arm = self._armed = True
        if arm:
            self._full.put(None)
        for batch in batches:
            if send_here:
                self._send(batch)
            else:
                self._full.put(batch)
                if self._full.qsize() > 1 and self._senders < MOST_SENDERS:
                    self._add_sender()

    def flush(self, *, deadline: float) -> bool:
        """Send what is waiting without lingering; True when all of it was settled in time."""
        self._hurry = True
        while self._unfinished:
            self._full.put(None)
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        return True

    def _add_sender(self) -> None:
        self._senders += 1
        threading.Thread(target=self._run, name="deletes", daemon=True).start()

    def _run(self) -> None:
        lingering = False
        while True:
            try:
                batch = self._full.get(timeout=self._left() if lingering else None)
            except Empty:
                batch = None
            if batch is None:
                # Only the thread that took the token waits for the oldest message's 50 ms.
                lingering, batch = self._take_if_due()
            if batch:
                try:
                    self._send(batch)
                except Exception:
                    self._logger.exception("deletes go on after an error")
                    self._again(batch)

    def _left(self) -> float:
        return max(0.0, self._oldest + LINGER_SECONDS - time.monotonic())

    def _take_if_due(self) -> tuple[bool, Batch]:
        with self._lock:
            batch: Batch = []
            if self._waiting and (self._hurry or time.monotonic() >= self._oldest + LINGER_SECONDS):
                batch = list(self._waiting)
                self._waiting.clear()
            self._armed = bool(self._waiting)
            return self._armed, batch

    def _send(self, batch: Batch) -> None:
        try:
            failed = self._sqs.delete([delivery.receipt_handle for delivery in batch])
        except AwsError as error:
            self._repeated.warn(
                "deletes failed; trying again while the leases last",
                about=error.code,
                error=str(error),
                messages=len(batch),
            )
            self._again(batch)
            return
        again: Batch = []
        for failure in failed:
            if failure.ours:
                self._give_up(batch[failure.entry], failure.code, failure.message)
            else:
                again.append(batch[failure.entry])
        with self._lock:
            self._unfinished -= len(batch) - len(again)
        if again:
            self._again(again)

    def _again(self, batch: Batch) -> None:
        """Try once more, a little later; the wait slows the whole process down, as it should."""
        time.sleep(LINGER_SECONDS if self._hurry else RETRY_SECONDS)
        now = time.monotonic()
        keep = [delivery for delivery in batch if delivery.expires_at > now]
        for delivery in batch:
            if delivery.expires_at <= now:
                self._give_up(delivery, "LeaseEnded", "no delete came through in time")
        with self._lock:
            self._unfinished -= len(batch) - len(keep)
        self._enqueue(keep, False)

    def _give_up(self, delivery: Delivery, code: str, message: str) -> None:
        self._metrics.count("LeaseLost")
        self._logger.warning(
            "a finished message could not be deleted and will be seen again",
            extra={
                "message_id": delivery.message.message_id,
                "code": code,
                "reason": message,
            },
        )
