"""What is done about a batch of events: start, note, report, wait."""

from __future__ import annotations

import math
import time

from edge import json_log
from edge.errors import AwsError
from ingestion.data_source import COMPLETE, FAILED
from ingestion.messages import newest_of, newest_waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestion.data_source import DataSource, Job
    from ingestion.messages import Message
    from ingestion.progress import Progress
    from ingestion.report import Report, Told

WAIT_SECONDS = 60
WAIT_AFTER_FAILURE_SECONDS = 900
SECONDS_OF_A_STEP = 5.0
"""What a step of a report may take; with less time left it is for the next invocation."""
VALIDATION = "ValidationException"


class Waiting:
    """A message that has to come back, and in how many seconds."""

    __slots__ = ("message", "seconds")

    def __init__(self, message: Message, seconds: int) -> None:
        self.message = message
        self.seconds = seconds


class Outcome:
    """The message that stands for what has to wait, and whether a call of AWS failed."""

    __slots__ = ("failed", "waiting")

    def __init__(self, waiting: Waiting | None, *, failed: bool) -> None:
        self.waiting = waiting
        self.failed = failed


class Ingestion:
    """One data source, its progress and its reports.

    `now` gives seconds since 1970, `left` the seconds that the invocation still has.
    """

    def __init__(
        self,
        source: DataSource,
        *,
        progress: Progress,
        report: Report,
        now: Callable[[], float] = time.time,
        left: Callable[[], float],
    ) -> None:
        self._source = source
        self._progress = progress
        self._report = report
        self._now = now
        self._left = left

    def take(self, messages: Sequence[Message]) -> Outcome:
        """Do what can be done now. A job is started before anything is told, and none of the steps
        hangs on another: a topic that refuses does not stop ingestion.

        Raises AwsError where Bedrock does not say which jobs there are; then all messages have to
        come back.
        """
        jobs = self._source.newest()
        completed = next((job for job in jobs if job.status == COMPLETE), None)
        waiting = newest_waiting(messages, completed_start=completed.start if completed else 0.0)
        seconds, failed = WAIT_SECONDS, False
        if waiting is not None:
            try:
                seconds = self._start(jobs, waiting)
            except AwsError as error:
                failed = _failed("no job started", error)
        try:
            self._note(jobs, completed)
        except AwsError as error:
            failed = _failed("progress not noted", error)
        told = False
        try:
            told = self._tell_of_failures(jobs)
        except AwsError as error:
            failed = _failed("failures not reported", error)
        if failed or not told:
            waiting, seconds = waiting or newest_of(messages), min(seconds, WAIT_SECONDS)
        return Outcome(Waiting(waiting, seconds) if waiting else None, failed=failed)

    def _start(self, jobs: list[Job], waiting: Message) -> int:
        """Start a job unless one runs or has just failed, as the first of `jobs`; seconds to the
        next look.
        """
        newest = jobs[0] if jobs else None
        if newest is not None and newest.status == FAILED:
            rest = newest.end + WAIT_AFTER_FAILURE_SECONDS - self._now()
            if rest > 0:
                return min(math.ceil(rest), WAIT_AFTER_FAILURE_SECONDS)
            if waiting.sent_at < newest.start:
                json_log.write("started again", level="WARN", failed=newest.id)
        if not any(job.running for job in jobs):
            begun = self._source.begin()
            if begun is not None:
                json_log.write("job started", job=begun.id)
                jobs.insert(0, begun)
        return WAIT_SECONDS

    def _note(self, jobs: Sequence[Job], completed: Job | None) -> None:
        if jobs:
            self._progress.note(jobs[0])
        ended = next((job for job in jobs if not job.running), None)
        if ended is not None:
            self._progress.ended(ended)
        if completed is not None:
            self._progress.completed(completed)

    def _tell_of_failures(self, jobs: Sequence[Job]) -> bool:
        """Report the newest job that is over and has failures; whether that is done."""
        over = next((job for job in jobs if job.status in (COMPLETE, FAILED)), None)
        if over is None or not (over.status == FAILED or over.numbers["documents_failed"]):
            return True
        if self._progress.reported() == over.id:
            return True
        told = self._progress.told(over)
        if told is None:
            return True
        if not over.numbers["documents_failed"]:
            told.listed = True
        while not told.listed:
            if self._left() < SECONDS_OF_A_STEP or not self._queue_page(told):
                return False
        self._report.publish(over, told, reasons=self._source.reasons(over))
        self._progress.mark_reported(over)
        json_log.write("failures reported", level="WARN", job=over.id, documents=told.queued)
        return True

    def _queue_page(self, told: Told) -> bool:
        """Queue what failed of a page; False when there is no time, or another copy does it."""
        try:
            documents, token = self._source.failed_documents(told.token)
        except AwsError as error:
            if error.code == VALIDATION and told.token:
                told.begin_again()
                self._progress.keep(told)
            raise
        while told.done < len(documents) and not told.full:
            if self._left() < SECONDS_OF_A_STEP:
                return False
            some = documents[told.done : told.done + told.room]
            self._report.queue_up(told.job, some)
            told.add(some)
            if not self._progress.keep(told):
                return False
        told.turn_to(token)
        return self._progress.keep(told)


def _failed(what: str, error: AwsError) -> bool:
    json_log.write(what, level="ERROR", code=error.code, error=str(error))
    return True
