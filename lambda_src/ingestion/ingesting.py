"""What is done about a batch of events: note, report, start, wait."""

from __future__ import annotations

from edge import json_log
from ingestion.data_source import COMPLETE, FAILED
from ingestion.messages import newest_waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.data_source import DataSource, Job
    from ingestion.messages import Message
    from ingestion.progress import Progress
    from ingestion.report import Report

WAIT_SECONDS = 60
WAIT_AFTER_FAILURE_SECONDS = 900


class Waiting:
    """A message that has to come back, and in how many seconds."""

    __slots__ = ("message", "seconds")

    def __init__(self, message: Message, seconds: int) -> None:
        self.message = message
        self.seconds = seconds


class Ingestion:
    """One data source, its progress and its reports."""

    def __init__(self, source: DataSource, *, progress: Progress, report: Report) -> None:
        self._source = source
        self._progress = progress
        self._report = report

    def take(self, messages: Sequence[Message]) -> Waiting | None:
        """Do what can be done now; the message that stands for what has to wait. Raises AwsError,
        and then all messages have to come back.
        """
        jobs = self._source.newest()
        completed = next((job for job in jobs if job.status == COMPLETE), None)
        newest = jobs[0] if jobs else None
        if newest is not None:
            self._progress.note(newest)
        if completed is not None:
            self._progress.completed(completed)
        self._tell_of_failures(jobs)
        waiting = newest_waiting(messages, completed_start=completed.start if completed else 0.0)
        if waiting is None:
            return None
        if not any(job.running for job in jobs):
            if newest is not None and newest.status == FAILED and waiting.sent_at < newest.start:
                json_log.write("started again", level="WARN", failed=newest.id)
            begun = self._source.begin()
            if begun is not None:
                json_log.write("job started", job=begun.id, messages=len(messages))
                self._progress.note(begun)
        failed = newest is not None and newest.status == FAILED
        return Waiting(waiting, WAIT_AFTER_FAILURE_SECONDS if failed else WAIT_SECONDS)

    def _tell_of_failures(self, jobs: Sequence[Job]) -> None:
        """Report the newest job that is over and has failures, once."""
        over = next((job for job in jobs if job.status in (COMPLETE, FAILED)), None)
        if over is None or not (over.status == FAILED or over.numbers["documents_failed"]):
            return
        if self._progress.reported() == over.id:
            return
        told = self._report.send(
            over,
            reasons=self._source.reasons(over),
            documents=self._source.failed_documents() if over.numbers["documents_failed"] else (),
        )
        self._progress.mark_reported(over)
        json_log.write("failures reported", level="WARN", job=over.id, documents=told)
