"""What the API does, without HTTP events and without AWS's clients: submit a job, show a job."""

from __future__ import annotations

import time

from edge.errors import AwsError
from edge.http_api import Problem
from jobs.store import SUBMITTED, Job, LeaseLostError, Table, job_id
from jobs.submission import LARGEST_BATCH, message_of, send_batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jobs.requests import Submission

    Call = Callable[..., dict[str, Any]]

SAVE_EVERY = 100
"""Documents between two notes of the progress: as many may be sent twice when a copy dies."""


class Jobs:
    """The jobs of one table and one queue."""

    def __init__(
        self,
        call: Call,
        *,
        table: str,
        queue_url: str,
        keep_seconds: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._call = call
        self._table = Table(call, name=table)
        self._queue_url = queue_url
        self._keep = keep_seconds
        self._clock = clock
        self._sleep = sleep

    def submit(
        self,
        submission: Submission,
        *,
        caller: str,
        idempotency_key: str | None,
        seconds_left: float,
    ) -> dict[str, Any]:
        """Queue the documents and return the answer; a repeated request gets the same one.

        Raises Problem. `seconds_left` is how long this invocation may still take: the submission
        is leased for as long, and stops in time to say how far it came.
        """
        now = self._clock()
        job = Job(
            id=job_id(caller, idempotency_key),
            fingerprint=submission.fingerprint,
            total=len(submission.documents),
            now=now,
            keep=self._keep,
        )
        found = self._table.create(job, lease_seconds=seconds_left, now=now)
        if found is not None:
            if found.fingerprint != submission.fingerprint:
                raise Problem(
                    409,
                    "Idempotency-Key used before",
                    "Idempotency-Key: another request with other documents has used it; "
                    "send a new key with a new request",
                )
            if found.status == SUBMITTED:
                return submitted(found, submission.documents)
            job = self._resume(found, lease=seconds_left, now=now)
        stop_at = now + max(seconds_left - 3.0, seconds_left / 2)
        try:
            failure = self._send(job, submission.documents, stop_at=stop_at)
            self._close(job, failure, resumable=idempotency_key is not None)
        except LeaseLostError:
            raise in_progress() from None
        return submitted(job, submission.documents)

    def progress(self, id: str) -> dict[str, Any]:  # noqa: A002
        """How far a job is. Raises Problem for a job that is unknown or expired."""
        job, documents = self._table.read_all(id)
        if job is None or job.expires_at < self._clock():
            raise Problem(404, "No such job", f"{id}: unknown, or older than jobs are kept")
        rejected = [
            {"index": index, "reason": reason} for index, reason in sorted(job.refused.items())
        ]
        rejected += [
            {"index": document.index, "key": document.key, "reason": document.reason}
            for document in documents
            if document.reason is not None
        ]
        done = sum(document.reason is None for document in documents)
        over = job.status == SUBMITTED and done + len(rejected) >= job.total
        return {
            "job": job.id,
            "status": "finished" if over else "running" if job.status == SUBMITTED else "queueing",
            "total": job.total,
            "queued": job.queued,
            "done": done,
            "rejected": rejected,
            "created": job.created,
            "expires": job.expires_at,
        }

    def _resume(self, job: Job, *, lease: float, now: float) -> Job:
        """Continue where an earlier attempt stopped, unless it still runs."""
        if job.leased_until > now or not self._table.take_over(job, lease_seconds=lease, now=now):
            raise in_progress()
        return job

    def _send(self, job: Job, documents: list[dict[str, str]], *, stop_at: float) -> str | None:
        """Send what is not settled yet; why it stopped early, or None."""
        expires = job.expires_of_documents
        while job.position < job.total:
            if self._clock() >= stop_at:
                return "Timeout: the function's time is used up"
            start, end = job.position, min(job.position + LARGEST_BATCH, job.total)
            messages = [
                message_of(documents[index], job=job.id, index=index, expires=expires)
                for index in range(start, end)
            ]
            try:
                refused = send_batch(
                    self._call, queue_url=self._queue_url, messages=messages, sleep=self._sleep
                )
            except AwsError as error:
                return str(error)
            job.refused.update((start + place, reason) for place, reason in refused.items())
            job.queued += len(messages) - len(refused)
            job.position = end
            if end % SAVE_EVERY == 0 and end < job.total:
                self._table.save(job)
        return None

    def _close(self, job: Job, failure: str | None, *, resumable: bool) -> None:
        """Note the end of an attempt. Raises Problem when the caller has to do something."""
        if failure is None:
            job.status = SUBMITTED
            self._table.save(job)
            return
        if resumable:
            self._table.save(job, release=True)
            raise Problem(
                503,
                "Not all is queued",
                f"{job.queued} of {job.total} documents are queued ({failure}); send the same "
                "request with the same Idempotency-Key for the rest",
                headers={"retry-after": "5"},
            )
        for index in range(job.position, job.total):
            job.refused[index] = failure
        job.position, job.status = job.total, SUBMITTED
        self._table.save(job)
        if not job.queued:
            raise Problem(
                503,
                "Nothing is queued",
                f"{failure}; send the request again",
                headers={"retry-after": "5"},
            )


def submitted(job: Job, documents: list[dict[str, str]]) -> dict[str, Any]:
    """The answer to a submission; made of what the item holds, so that it can be repeated."""
    return {
        "job": job.id,
        "total": job.total,
        "queued": job.queued,
        "rejected": [
            {"index": index, "key": documents[index]["key"], "reason": reason}
            for index, reason in sorted(job.refused.items())
        ],
        "created": job.created,
        "expires": job.expires_at,
    }


def in_progress() -> Problem:
    """The answer while another request with the same key is at work."""
    return Problem(
        409,
        "In progress",
        "Idempotency-Key: the same request is being worked on; repeat it in a few seconds",
        headers={"retry-after": "5"},
    )
