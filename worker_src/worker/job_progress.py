"""Writes down which documents of a job are finished, for the API that shows jobs.

A message that the API sent names its job: {"job": ..., "document": "000012", "expires": ...,
"key": ...}. Once the job module is done with it, or rejects it, one item says so; the items are
described in lambda_src/jobs/__init__.py. Nothing is counted, so that a message that is delivered
twice changes nothing.
"""

from __future__ import annotations

import json
import logging
import re
import time
from typing import TYPE_CHECKING, TypeGuard

from worker.aws import AwsError
from worker.idempotency import CONDITION_FAILED, Call, ledger_call
from worker.logs import Repeated
from worker.message import Job, Message
from worker.outcomes import Reject, Retry

if TYPE_CHECKING:
    from worker.doors import AwsDoor
    from worker.settings import Settings

LONGEST_REASON = 1000
DOCUMENT = re.compile(r"\d{6,10}")
Item = dict[str, dict[str, str]]


class Progress:
    """Items of finished documents in one table."""

    def __init__(self, call: Call, *, table: str) -> None:
        self._call = call
        self._table = table

    def done(self, item: Item) -> None:
        """Write a document that is done. Raises AwsError."""
        self._put({**item, "outcome": {"S": "done"}})

    def rejected(self, item: Item, reason: str) -> None:
        """Write a document that can never succeed, unless it is done. Raises AwsError.

        A redelivery of what was done must not undo it; what an expired job left behind does not
        count.
        """
        try:
            self._put(
                {**item, "outcome": {"S": "rejected"}, "reason": {"S": reason[:LONGEST_REASON]}},
                ConditionExpression="attribute_not_exists(job) OR expires_at <> :expires",
                ExpressionAttributeValues={":expires": item["expires_at"]},
            )
        except AwsError as error:
            if error.code != CONDITION_FAILED:
                raise

    def _put(self, item: Item, **condition: object) -> None:
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        request = {"TableName": self._table, "Item": {**item, "finished": {"S": finished}}}
        self._call("PutItem", {**request, **condition})


class ReportingJob:
    """A job whose outcomes are written down for messages that name a job.

    A write that fails for now makes the message come again: the job module has to bear that anyway,
    and its job would stay unfinished otherwise. One that can never succeed (no such table, no
    permission) is logged, because documents matter more than their progress.
    """

    def __init__(self, job: Job, progress: Progress, *, logger: logging.Logger) -> None:
        self.key = job.key
        self._run_job = job.run
        self._progress = progress
        self._repeated = Repeated(logger)

    def run(self, message: Message) -> None:
        """Run the job and report its end."""
        item = item_of(message.body)
        if item is None:
            self._run_job(message)
            return
        try:
            self._run_job(message)
        except Reject as outcome:
            try:
                self._progress.rejected(item, outcome.reason)
            except AwsError as error:
                # The message comes again until it moves to the dead-letter queue.
                self._warn(error)
            raise
        try:
            self._progress.done(item)
        except AwsError as error:
            if error.retryable:
                raise Retry(f"progress of the job: {error}") from error
            self._warn(error)

    def _warn(self, error: AwsError) -> None:
        self._repeated.warn(
            "progress of a job could not be written", about=error.code, error=str(error)
        )


def item_of(body: str) -> Item | None:
    """What identifies a document's item; None for a message that names no job."""
    if '"job"' not in body:
        return None
    try:
        content = json.loads(body)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    job, document, expires = (content.get(name) for name in ("job", "document", "expires"))
    if not (_is_text(job) and _is_text(document) and DOCUMENT.fullmatch(document)):
        return None
    if type(expires) is not int:
        return None
    key = content.get("key")
    return {
        "job": {"S": job},
        "document": {"S": document},
        "expires_at": {"N": str(expires)},
        **({"key": {"S": key}} if _is_text(key) else {}),
    }


def with_progress(job: Job, *, settings: Settings, door: AwsDoor, logger: logging.Logger) -> Job:
    """Report outcomes when a table is configured."""
    if not settings.jobs_table:
        return job
    return ReportingJob(job, Progress(ledger_call(door), table=settings.jobs_table), logger=logger)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""
