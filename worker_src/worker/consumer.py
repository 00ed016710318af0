"""The heart of a worker process: pollers, a pool of threads for the job, and how they stop.

Pollers grow in number while batches come back full and fall back to one when they do not, so an
idle queue costs one long poll at a time. Very cheap jobs run in the poller's own thread. The number
of messages in hand is bounded (worker.room).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from queue import Empty, SimpleQueue

from worker.aws import AwsError
from worker.backoff import backoff_seconds
from worker.deletes import Deletes
from worker.delivery import Delivery
from worker.lease import LeaseKeeper
from worker.logs import Repeated
from worker.message import Job
from worker.metrics import Metrics
from worker.outcomes import Reject, Retry
from worker.room import Room
from worker.settings import Settings
from worker.sqs import LARGEST_BATCH, Sqs

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A second poller is worth its thread when full batches take this long to arrive, and so on.
SECONDS_PER_POLLER = 0.001
# Kept from the end of a drain for giving back what is still running and for the last deletes.
RESERVE_SECONDS = 2.0


class Consumer:
    """Receives messages, runs the job on each, settles the outcome."""

    def __init__(
        self,
        sqs: Sqs,
        job: Job,
        *,
        settings: Settings,
        leases: LeaseKeeper,
        deletes: Deletes,
        metrics: Metrics,
        logger: logging.Logger,
    ) -> None:
        self._sqs = sqs
        self._run_job = job.run
        self._settings = settings
        self._leases = leases
        self._deletes = deletes
        self._metrics = metrics
        self._logger = logger
        self._repeated = Repeated(logger)
        self._room = Room(threads=settings.threads)
        self._most_pollers = max(1, min(8, settings.threads // 4))
        self._chunks: SimpleQueue[list[Delivery]] = SimpleQueue()
        self._lock = threading.Lock()
        self._pollers = 0
        self._answer_seconds = FIRST_PAUSE_SECONDS
        self._useful_pollers = 1
        self._pool_started = False
        self._running: dict[int, list[Delivery]] = {}
        self._stopping = threading.Event()
        self.last_sign_of_life = time.monotonic()

    def start(self) -> None:
        """Start the first poller."""
        self._leases.start()
        self._deletes.start()
        self._add_poller()

    @property
    def busy(self) -> bool:
        """Whether messages are being worked on within their longest lease."""
        oldest = time.monotonic() - self._settings.max_extension
        return any(delivery.received_at > oldest for delivery in self._leases.held())

    def drain(self, seconds: float) -> bool:
        """Stop receiving, finish what runs, give the rest back; True when all was done in time."""
        deadline = time.monotonic() + seconds
        self._stopping.set()
        self._room.close()
        self._give_back_unstarted()
        last_moment = deadline - min(RESERVE_SECONDS, seconds / 4)
        while (self._pollers or self._running) and time.monotonic() < last_moment:
            time.sleep(0.01)
        self._give_back_unstarted()
        in_time = not self._running
        self._make_visible(self._leases.held())
        in_time &= self._deletes.flush(deadline=deadline)
        in_time &= self._leases.flush(deadline=deadline)
        self._leases.stop()
        return in_time

    # --- polling ----------------------------------------------------------------------------

    def _add_poller(self) -> None:
        with self._lock:
            if self._pollers >= self._most_pollers or self._stopping.is_set():
                return
            self._pollers += 1
        threading.Thread(target=self._poll, name="poller", daemon=True).start()

    def _poll(self) -> None:
        retired = False
        try:
            failures = 0
            while not retired:
                asked = self._room.take()
                if not asked:
                    return
                try:
                    batch = self._receive(asked)
                except AwsError as error:
                    batch = []
                    failures += 1
                    self._pause(error, failures)
                else:
                    failures = 0
                    self._arrived(batch, asked)
                self.last_sign_of_life = time.monotonic()
                retired = self._retire(len(batch), asked)
        except Exception:
            self._logger.exception("a poller failed; another one takes over")
            self._stopping.wait(FIRST_PAUSE_SECONDS)
        finally:
            if not retired:
                with self._lock:
                    self._pollers -= 1
        if not retired:
            self._add_poller()

    def _receive(self, asked: int) -> list[Delivery]:
        begun = time.monotonic()
        try:
            batch = self._sqs.receive(asked)
        except BaseException:
            self._room.give_back(asked)
            raise
        if len(batch) == LARGEST_BATCH:
            self._answered_in(time.monotonic() - begun)
        return batch

    def _retire(self, came: int, asked: int) -> bool:
        """Grow while batches are full; end this poller when they are not and others remain."""
        if came == asked == LARGEST_BATCH and self._pollers <= self._useful_pollers:
            if self._pollers < min(self._most_pollers, self._useful_pollers):
                self._add_poller()
            return False
        if came * 2 >= asked and self._pollers <= self._useful_pollers:
            return False
        with self._lock:
            if self._pollers == 1:
                return False
            self._pollers -= 1
            return True

    def _answered_in(self, seconds: float) -> None:
        """Another poller pays as long as the answer takes longer than the work on it.

        The shortest answer counts (forgotten slowly): with too many pollers, answers take longer
        because the pollers wait for each other.
        """
        self._answer_seconds = min(seconds, self._answer_seconds * 1.02)
        self._useful_pollers = 1 + int(self._answer_seconds / SECONDS_PER_POLLER)

    def _pause(self, error: AwsError, failures: int) -> None:
        self._repeated.warn(
            "messages could not be received; trying again",
            about=error.code,
            code=error.code,
            error=str(error),
            queue_url=self._settings.queue_url,
        )
        self._stopping.wait(
            min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 10))
        )

    def _arrived(self, batch: list[Delivery], asked: int) -> None:
        if len(batch) < asked:
            self._room.give_back(asked - len(batch))
        if not batch:
            return
        self._leases.hold(batch)
        if self._stopping.is_set():
            self._hand_back(batch)
            return
        if self._room.is_small(len(batch)) and self._may_run_here():
            self._work(batch, send_here=True)
            return
        self._start_pool()
        size = self._room.chunk
        if size == 1:
            for delivery in batch:
                self._chunks.put([delivery])
        else:
            for start in range(0, len(batch), size):
                self._chunks.put(batch[start : start + size])

    def _may_run_here(self) -> bool:
        """One thread means one message at a time, wherever it runs."""
        return self._settings.threads > 1 or (not self._running and self._chunks.empty())

    # --- working ----------------------------------------------------------------------------

    def _start_pool(self) -> None:
        if self._pool_started:
            return
        with self._lock:
            if self._pool_started:
                return
            self._pool_started = True
        for number in range(self._settings.threads):
            threading.Thread(target=self._pool, name=f"job-{number}", daemon=True).start()

    def _pool(self) -> None:
        while True:
            self._work(self._chunks.get(), send_here=False)

    def _work(self, chunk: list[Delivery], *, send_here: bool) -> None:
        thread = threading.get_ident()
        self._running[thread] = chunk
        done: list[Delivery] = []
        try:
            begun = time.perf_counter()
            for place, delivery in enumerate(chunk):
                if self._stopping.is_set():
                    self._hand_back(chunk[place:])
                    chunk = chunk[:place]
                    break
                if self._succeeds(delivery):
                    done.append(delivery)
            if chunk:
                seconds = (time.perf_counter() - begun) / len(chunk)
                self._room.measured(seconds)
                ours = self._leases.finish(done)
                if ours:
                    self._metrics.processed(len(ours), seconds)
                    self._deletes.add(ours, send_here=send_here)
        finally:
            del self._running[thread]
            if chunk:
                self._room.give_back(len(chunk))

    def _succeeds(self, delivery: Delivery) -> bool:
        if not self._leases.is_ours(delivery):
            self._leases.finish((delivery,))
            return False
        try:
            self._run_job(delivery.message)
        except BaseException as outcome:  # sys.exit() in a job must not end a thread of the pool
            try:
                self._settle(delivery, outcome)
            except Exception:  # an outcome of the job's own making, such as Retry("...", "soon")
                self._logger.exception(
                    "the job's outcome cannot be understood",
                    extra={"message_id": delivery.message.message_id},
                )
                self._back_off(delivery, type(outcome).__name__, None)
            return False
        return True

    def _settle(self, delivery: Delivery, outcome: BaseException) -> None:
        if isinstance(outcome, Reject):
            self._metrics.count("MessagesRejected")
            self._log(delivery, "message rejected", logging.WARNING, reason=outcome.reason)
            # Visible at once: the queue's redrive policy takes it after the last receive.
            self._leases.release(delivery, 0)
        elif isinstance(outcome, Retry):
            seconds = outcome.after_seconds
            if seconds is not None and math.isnan(seconds):
                raise ValueError("after_seconds is not a number")
            self._metrics.count("MessagesRetried")
            self._back_off(delivery, outcome.reason, seconds)
        else:
            self._metrics.count("MessagesFailed")
            self._logger.error(
                "the job failed",
                exc_info=outcome,
                extra={"message_id": delivery.message.message_id},
            )
            self._back_off(delivery, repr(outcome), None)

    def _back_off(self, delivery: Delivery, reason: str, after_seconds: float | None) -> None:
        if after_seconds is None:
            after_seconds = backoff_seconds(
                receive_count=delivery.message.receive_count,
                base=self._settings.backoff_base,
                cap=self._settings.backoff_cap,
            )
        self._leases.release(delivery, after_seconds)
        self._log(
            delivery,
            "message will be tried again",
            logging.INFO,
            reason=reason,
            after_seconds=after_seconds,
        )

    def _log(self, delivery: Delivery, event: str, level: int, **fields: object) -> None:
        message = delivery.message
        last = message.receive_count >= self._settings.max_receive_count
        self._logger.log(
            level,
            event,
            extra={
                "message_id": message.message_id,
                "receive_count": message.receive_count,
                "moves_to_dead_letter_queue": last,
                **fields,
            },
        )

    # --- giving back ------------------------------------------------------------------------

    def _give_back_unstarted(self) -> None:
        while True:
            try:
                chunk = self._chunks.get_nowait()
            except Empty:
                return
            self._hand_back(chunk)

    def _hand_back(self, batch: list[Delivery]) -> None:
        """Make messages that were not started visible at once."""
        self._make_visible(batch)
        self._room.give_back(len(batch))

    def _make_visible(self, batch: list[Delivery]) -> None:
        given = sum(self._leases.release(delivery, 0) for delivery in batch)
        self._metrics.count("MessagesHandedBack", given)
