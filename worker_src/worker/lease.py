"""Visibility timeouts: extended while a message is in hand, changed when it is given back.

The rules, each of which somebody has paid for:

* prefetched messages are extended as well as running ones, in batches of ten;
* one thread sends all changes of visibility, one after the other, so an extension can never arrive
  after the back-off of a retry and overwrite it;
* a message that is done is no longer extended before its delete is sent;
* a receive is extended up to a cap, after which somebody else may have the message;
* when SQS says that the receipt handle is not ours any more, or the timeout has passed by our own
  clock, the outcome of the job is dropped: neither delete nor back-off may disturb the new owner.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from worker.aws import AwsError
from worker.delivery import Delivery
from worker.logs import Repeated
from worker.metrics import Metrics
from worker.settings import LONGEST_LEASE_SECONDS
from worker.sqs import LARGEST_BATCH, EntryFailure, Sqs

LINGER_SECONDS = 0.05
IDLE_SECONDS = 3600.0
MOST_TRIES = 3
# SQS counts from the request, we from the answer: stop trusting a lease a little earlier.
MARGIN_SECONDS = 0.25


class Release(NamedTuple):
    """A message to give back: visible after `seconds`. `tries` counts what SQS failed to do."""

    delivery: Delivery
    seconds: int
    tries: int = 1


class LeaseKeeper:
    """Knows which messages are in hand, and keeps them invisible to others."""

    def __init__(
        self,
        sqs: Sqs,
        *,
        visibility_timeout: int,
        max_extension: float,
        metrics: Metrics,
        logger: logging.Logger,
    ) -> None:
        self._sqs = sqs
        self._visibility = visibility_timeout
        self._max_extension = min(max_extension, LONGEST_LEASE_SECONDS - 1)
        self._tick = visibility_timeout / 10
        self._metrics = metrics
        self._logger = logger
        self._repeated = Repeated(logger)
        self._lock = threading.Lock()
        self._held: dict[Delivery, None] = {}
        self._releases: deque[Release] = deque()
        self._sending = 0
        self._wake = threading.Event()
        self._hurry = False
        self._stopped = False
        self._armed = False
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> None:
        """Start the thread that sends the changes."""
        self._thread.start()

    def hold(self, batch: Sequence[Delivery]) -> None:
        """Messages have arrived: keep them until `finish` or `release`."""
        with self._lock:
            self._held.update(dict.fromkeys(batch))
            wake, self._armed = not self._armed, True
        if wake:
            self._wake.set()

    def is_ours(self, delivery: Delivery) -> bool:
        """Whether the lease has neither been refused nor passed."""
        return not delivery.lost and time.monotonic() < delivery.expires_at - MARGIN_SECONDS

    def finish(self, batch: Iterable[Delivery]) -> list[Delivery]:
        """Stop extending; return those that are still ours, so that they may be deleted.

        What was given back before its job ended is not ours any more.
        """
        latest = time.monotonic() + MARGIN_SECONDS
        ours = []
        with self._lock:
            for delivery in batch:
                if self._held.pop(delivery, False) is False:
                    continue
                if delivery.lost or delivery.expires_at < latest:
                    self._report_lost(delivery)
                else:
                    ours.append(delivery)
        return ours

    def release(self, delivery: Delivery, seconds: float) -> bool:
        """Stop extending and make the message visible after `seconds`; False when it is not ours.

        The delay is cut to what SQS still allows for this receive.
        """
        if not self.finish((delivery,)):
            return False
        allowed = LONGEST_LEASE_SECONDS - 1 - (time.monotonic() - delivery.received_at)
        self._releases.append(Release(delivery, math.ceil(max(0, min(seconds, allowed)))))
        self._wake.set()
        return True

    def flush(self, *, deadline: float) -> bool:
        """Send what is waiting without lingering; True when all of it went out in time."""
        self._hurry = True
        self._wake.set()
        while self._releases or self._sending:
            if time.monotonic() >= deadline or not self._thread.is_alive():
                return False
            time.sleep(0.005)
        return True

    def stop(self) -> None:
        """Stop extending."""
        self._stopped = True
        self._wake.set()

    def held(self) -> list[Delivery]:
        """The messages in hand."""
        with self._lock:
            return list(self._held)

    def _report_lost(self, delivery: Delivery) -> None:
        self._metrics.count("LeaseLost")
        self._logger.warning(
            "lease lost: the outcome is dropped, the message will be seen again",
            extra={
                "message_id": delivery.message.message_id,
                "held_seconds": round(time.monotonic() - delivery.received_at, 1),
                "remedy": "make the job faster, or raise the visibility timeout or its "
                "longest extension",
            },
        )

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(self._pause())
            self._wake.clear()
            try:
                self._extend_due()
                self._send_releases()
            except Exception:
                self._logger.exception("the lease keeper goes on after an error")
                time.sleep(0.1)

    def _pause(self) -> float:
        with self._lock:
            self._armed = bool(self._held)
            return self._tick if self._held else IDLE_SECONDS

    def _extend_due(self) -> None:
        now = time.monotonic()
        soon = now + self._visibility / 2
        with self._lock:
            due = [delivery for delivery in self._held if delivery.expires_at <= soon]
        for start in range(0, len(due), LARGEST_BATCH):
            self._extend(due[start : start + LARGEST_BATCH])

    def _extend(self, batch: list[Delivery]) -> None:
        now = time.monotonic()
        with self._lock:
            batch = [
                delivery
                for delivery in batch
                if delivery in self._held and not delivery.lost and delivery.expires_at > now
            ]
        changes = []
        extended = []
        for delivery in batch:
            seconds = int(min(self._visibility, delivery.received_at + self._max_extension - now))
            if now + seconds > delivery.expires_at:
                changes.append((delivery.receipt_handle, seconds))
                extended.append((delivery, now + seconds))
        if not changes:
            return
        try:
            failed = {f.entry: f for f in self._sqs.change_visibility(changes, attempts=2)}
        except AwsError as error:
            self._repeated.warn(
                "visibility timeouts could not be extended; trying again",
                about=error.code,
                error=str(error),
            )
            return
        for index, (delivery, expires_at) in enumerate(extended):
            if index not in failed:
                delivery.expires_at = expires_at
            elif failed[index].ours:
                delivery.lost = True

    def _send_releases(self) -> None:
        while self._releases:
            if not self._hurry and len(self._releases) < LARGEST_BATCH:
                time.sleep(LINGER_SECONDS)
            with self._lock:
                self._sending = min(LARGEST_BATCH, len(self._releases))
                batch = [self._releases.popleft() for _ in range(self._sending)]
            try:
                self._send(batch)
            finally:
                self._sending = 0
            self._extend_due()

    def _send(self, batch: list[Release]) -> None:
        changes = [(release.delivery.receipt_handle, release.seconds) for release in batch]
        try:
            failed = self._sqs.change_visibility(changes)
        except AwsError as error:
            # The messages come back by themselves when their visibility timeouts end.
            self._repeated.warn(
                "messages could not be given back; they return when their timeout ends",
                about=error.code,
                error=str(error),
                messages=len(batch),
            )
            return
        for failure in failed:
            release = batch[failure.entry]
            if failure.ours or release.tries == MOST_TRIES:
                self._log_refused(release.delivery, failure)
            else:
                self._releases.append(release._replace(tries=release.tries + 1))

    def _log_refused(self, delivery: Delivery, failure: EntryFailure) -> None:
        self._logger.info(
            "a message could not be given back; it returns when its timeout ends",
            extra={
                "message_id": delivery.message.message_id,
                "code": failure.code,
                "reason": failure.message,
            },
        )
