"""The table of jobs; jobs/__init__.py describes its items.

The conditional write of the job's item is the idempotency lock: the id of a job that was submitted
with an Idempotency-Key follows from the caller and the key, so a second request meets the first
one's item.
"""

from __future__ import annotations

import json
import os
import time
from hashlib import sha256

from edge.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Call = Callable[..., dict[str, Any]]

JOB = "#job"
SUBMITTING = "SUBMITTING"
SUBMITTED = "SUBMITTED"
CONDITION_FAILED = "ConditionalCheckFailedException"
LATER_SECONDS = 86_400


class Job:
    """A job's item."""

    __slots__ = (
        "attempt",
        "created",
        "expires_at",
        "fingerprint",
        "id",
        "leased_until",
        "position",
        "queued",
        "refused",
        "status",
        "total",
    )

    def __init__(self, *, id: str, fingerprint: str, total: int, now: float, keep: float) -> None:  # noqa: A002
        self.id = id
        self.status = SUBMITTING
        self.fingerprint = fingerprint
        self.total = total
        self.position = 0
        self.queued = 0
        self.refused: dict[int, str] = {}
        self.created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        self.attempt = ""
        self.leased_until = 0
        self.expires_at = int(now + keep)

    @property
    def expires_of_documents(self) -> int:
        """A day later than the job, so that a job that is shown never misses documents."""
        return self.expires_at + LATER_SECONDS


class LeaseLostError(Exception):
    """Another request submits this job now."""


class Document:
    """The item of a finished document."""

    __slots__ = ("expires_at", "index", "key", "reason")

    def __init__(self, *, index: int, key: str, reason: str | None, expires_at: int) -> None:
        self.expires_at = expires_at
        self.index = index
        self.key = key
        self.reason = reason


def job_id(caller: str, idempotency_key: str | None) -> str:
    """An id that cannot be guessed, or the one that belongs to a caller's idempotency key."""
    if idempotency_key is None:
        return os.urandom(16).hex()
    return sha256(f"{len(caller)}:{caller}{idempotency_key}".encode()).hexdigest()[:32]


class Table:
    """Reads and writes the items. Calls raise AwsError."""

    def __init__(self, call: Call, *, name: str) -> None:
        self._call = call
        self._name = name

    def create(self, job: Job, *, lease_seconds: float, now: float) -> Job | None:
        """Write a new job and lease it; the job that is there already, if there is one."""
        _lease(job, seconds=lease_seconds, now=now)
        while not self._put(
            job,
            ConditionExpression="attribute_not_exists(job) OR expires_at < :now",
            ExpressionAttributeValues={":now": {"N": str(int(now))}},
        ):
            found = self.read(job.id)
            if found is not None:
                # An attempt of ours whose answer was lost looks like somebody else's job.
                return None if found.attempt == job.attempt else found
        return None

    def take_over(self, job: Job, *, lease_seconds: float, now: float) -> bool:
        """Lease a job whose submission was interrupted; False when somebody else just did."""
        before = job.attempt
        _lease(job, seconds=lease_seconds, now=now)
        if self._put(job, **_held_by(before)):
            return True
        found = self.read(job.id)
        return found is not None and found.attempt == job.attempt

    def save(self, job: Job, *, release: bool = False) -> None:
        """Write the progress of a submission; with `release` the next attempt need not wait.

        Raises LeaseLostError when another request has taken the submission over.
        """
        if release:
            job.leased_until = 0
        if not self._put(job, **_held_by(job.attempt)):
            raise LeaseLostError(job.id)

    def read(self, id: str) -> Job | None:  # noqa: A002
        """A job without its documents."""
        answer = self._call(
            "dynamodb",
            "GetItem",
            TableName=self._name,
            Key={"job": {"S": id}, "document": {"S": JOB}},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        return _job_of(item) if item else None

    def read_all(self, id: str) -> tuple[Job | None, list[Document]]:  # noqa: A002
        """A job and its finished documents in the order of the request: one query a megabyte.

        Documents of an earlier job, whose Idempotency-Key is used again after it expired, may
        still be there: DynamoDB deletes late. They expire at another second.
        """
        job: Job | None = None
        documents: list[Document] = []
        start: dict[str, Any] | None = None
        while True:
            answer = self._call(
                "dynamodb",
                "Query",
                TableName=self._name,
                KeyConditionExpression="job = :job",
                ExpressionAttributeValues={":job": {"S": id}},
                ConsistentRead=True,
                **({"ExclusiveStartKey": start} if start else {}),
            )
            for item in answer.get("Items") or ():
                if item["document"]["S"] == JOB:
                    job = _job_of(item)
                else:
                    documents.append(_document_of(item))
            start = answer.get("LastEvaluatedKey")
            if not start:
                break
        if job is None:
            return None, []
        return job, [each for each in documents if each.expires_at == job.expires_of_documents]

    def _put(self, job: Job, **condition: object) -> bool:
        """Write the job's item; False when the condition did not hold."""
        try:
            self._call("dynamodb", "PutItem", TableName=self._name, Item=_item_of(job), **condition)
        except AwsError as error:
            if error.code != CONDITION_FAILED:
                raise
            return False
        return True


def _lease(job: Job, *, seconds: float, now: float) -> None:
    job.attempt = os.urandom(8).hex()
    job.leased_until = int(now + seconds) + 1


def _held_by(attempt: str) -> dict[str, object]:
    return {
        "ConditionExpression": "attempt = :attempt",
        "ExpressionAttributeValues": {":attempt": {"S": attempt}},
    }


def _item_of(job: Job) -> dict[str, dict[str, str]]:
    by_reason: dict[str, list[int]] = {}
    for index, reason in job.refused.items():
        by_reason.setdefault(reason, []).append(index)
    return {
        "job": {"S": job.id},
        "document": {"S": JOB},
        "status": {"S": job.status},
        "fingerprint": {"S": job.fingerprint},
        "total": {"N": str(job.total)},
        "position": {"N": str(job.position)},
        "queued": {"N": str(job.queued)},
        "refused": {"S": json.dumps(by_reason, separators=(",", ":"))},
        "created": {"S": job.created},
        "attempt": {"S": job.attempt},
        "leased_until": {"N": str(job.leased_until)},
        "expires_at": {"N": str(job.expires_at)},
    }


def _job_of(item: dict[str, dict[str, str]]) -> Job:
    job = Job(
        id=item["job"]["S"],
        fingerprint=item["fingerprint"]["S"],
        total=int(item["total"]["N"]),
        now=0,
        keep=int(item["expires_at"]["N"]),
    )
    job.status = item["status"]["S"]
    job.position = int(item["position"]["N"])
    job.queued = int(item["queued"]["N"])
    job.created = item["created"]["S"]
    job.attempt = item["attempt"]["S"]
    job.leased_until = int(item["leased_until"]["N"])
    by_reason: dict[str, list[int]] = json.loads(item["refused"]["S"])
    job.refused = {index: reason for reason, found in by_reason.items() for index in found}
    return job


def _document_of(item: dict[str, dict[str, str]]) -> Document:
    reason = item.get("reason", {}).get("S", "no reason given")
    return Document(
        index=int(item["document"]["S"]),
        key=item.get("key", {}).get("S", ""),
        reason=reason if item["outcome"]["S"] == "rejected" else None,
        expires_at=int(item["expires_at"]["N"]),
    )
