"""A ledger in DynamoDB by which a message acts once, for jobs that are not idempotent themselves.

SQS delivers at least once, and a producer may send the same request twice. Before a job runs, its
key is claimed by a conditional write; afterwards the claim becomes COMPLETED and expires by time to
live. Who finds COMPLETED is done; who finds a claim in progress tries again later. A claim is
leased: it is renewed while the job runs and free again soon after its owner died.
https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/ describes the same
states for Lambda functions.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from worker.aws import AwsError
from worker.logs import Repeated
from worker.message import Job, Message
from worker.outcomes import Retry

if TYPE_CHECKING:
    from worker.doors import AwsDoor
    from worker.settings import Settings

TARGET_PREFIX = "DynamoDB_20120810"
CONDITION_FAILED = "ConditionalCheckFailedException"
REMEMBER_SECONDS = 14 * 86_400
"""As long as SQS may keep a message in the dead-letter queue, from where it may be sent again."""

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
Item = dict[str, dict[str, str]]


class InProgressError(Exception):
    """Another worker holds the claim for `seconds` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"claimed by another worker for {seconds:.0f} s")
        self.seconds = seconds


class Ledger:
    """Claims in one table. `lease` is how long a claim lasts without renewal, in seconds."""

    def __init__(self, call: Call, *, table: str, lease: float) -> None:
        self._call = call
        self._table = table
        self._lease = lease

    def claim(self, key: str) -> str | None:
        """Claim a key and return the owner's token; None when it is completed already.

        Raises InProgressError when another worker holds it, AwsError when the table fails.
        """
        owner, now = uuid.uuid4().hex, time.time()
        item: Item = {
            "id": {"S": key},
            "status": {"S": "INPROGRESS"},
            "owner": {"S": owner},
            "in_progress_until": {"N": _milliseconds(now + self._lease)},
            "expires_at": {"N": str(int(now + REMEMBER_SECONDS))},
        }
        request = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(id) OR expires_at < :now OR "
            "(#status = :in_progress AND in_progress_until < :now_ms)",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":now": {"N": str(int(now))},
                ":now_ms": {"N": _milliseconds(now)},
                ":in_progress": {"S": "INPROGRESS"},
            },
        }
        try:
            self._call("PutItem", request)
        except AwsError as error:
            if error.code != CONDITION_FAILED:
                raise
        else:
            return owner
        found = self._read(key)
        if found.get("status", {}).get("S") == "COMPLETED":
            return None
        # An attempt of ours whose answer was lost looks like somebody else's claim.
        if found.get("owner", {}).get("S") == owner:
            return owner
        until = float(found.get("in_progress_until", {}).get("N", "0")) / 1000
        raise InProgressError(max(1.0, until - time.time()))

    def renew(self, key: str, owner: str) -> None:
        """Keep a claim for another lease. Raises AwsError, also when it is somebody else's now."""
        self._update(
            key,
            owner,
            "SET in_progress_until = :until",
            {":until": {"N": _milliseconds(time.time() + self._lease)}},
        )

    def complete(self, key: str, owner: str) -> None:
        """The job has acted: remember it."""
        self._update(
            key,
            owner,
            "SET #status = :completed, expires_at = :expires",
            {
                ":completed": {"S": "COMPLETED"},
                ":expires": {"N": str(int(time.time() + REMEMBER_SECONDS))},
            },
            names={"#status": "status"},
        )

    def abandon(self, key: str, owner: str) -> None:
        """The job did not act: let the next receive claim the key at once."""
        self._call(
            "DeleteItem",
            {
                "TableName": self._table,
                "Key": {"id": {"S": key}},
                "ConditionExpression": "#owner = :owner",
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":owner": {"S": owner}},
            },
        )

    def _read(self, key: str) -> Item:
        answer = self._call(
            "GetItem",
            {"TableName": self._table, "Key": {"id": {"S": key}}, "ConsistentRead": True},
        )
        item: Item = answer.get("Item") or {}
        return item

    def _update(
        self,
        key: str,
        owner: str,
        expression: str,
        values: dict[str, dict[str, str]],
        *,
        names: dict[str, str] | None = None,
    ) -> None:
        self._call(
            "UpdateItem",
            {
                "TableName": self._table,
                "Key": {"id": {"S": key}},
                "UpdateExpression": expression,
                "ConditionExpression": "#owner = :owner",
                "ExpressionAttributeNames": {"#owner": "owner", **(names or {})},
                "ExpressionAttributeValues": {":owner": {"S": owner}, **values},
            },
        )


class IdempotentJob:
    """A job behind a ledger. Messages without a key run as they are."""

    def __init__(
        self, job: Job, ledger: Ledger, *, renew_every: float, logger: logging.Logger
    ) -> None:
        self.key = job.key
        self._run_job = job.run
        self._ledger = ledger
        self._renew_every = renew_every
        self._repeated = Repeated(logger)
        self._lock = threading.Lock()
        self._claims: dict[str, str] = {}
        self._renewing = False

    def run(self, message: Message) -> None:
        """Run the job unless it has run for this key; Retry while another worker is at it."""
        key = self.key(message.body)
        if key is None:
            self._run_job(message)
            return
        try:
            owner = self._ledger.claim(key)
        except InProgressError as error:
            raise Retry(str(error), after_seconds=error.seconds) from error
        except AwsError as error:
            raise Retry(f"ledger: {error}") from error
        if owner is None:
            return
        self._remember(key, owner)
        try:
            self._run_job(message)
        except BaseException:
            self._forget(key)
            self._quietly(self._ledger.abandon, key, owner)
            raise
        self._forget(key)
        # When this fails, the claim ends with its lease and the message may act again: no ledger
        # can be sure without a transaction around the job's own effect.
        self._quietly(self._ledger.complete, key, owner)

    def _remember(self, key: str, owner: str) -> None:
        with self._lock:
            self._claims[key] = owner
            start, self._renewing = not self._renewing, True
        if start:
            threading.Thread(target=self._renew, name="ledger", daemon=True).start()

    def _forget(self, key: str) -> None:
        with self._lock:
            self._claims.pop(key, None)

    def _renew(self) -> None:
        due: dict[str, str] = {}
        while True:
            time.sleep(self._renew_every)
            with self._lock:
                # Claims younger than one round are not due yet.
                due, ready = (
                    dict(self._claims),
                    {key: owner for key, owner in due.items() if self._claims.get(key) == owner},
                )
            for key, owner in ready.items():
                self._quietly(self._ledger.renew, key, owner)

    def _quietly(self, call: Callable[[str, str], None], key: str, owner: str) -> None:
        try:
            call(key, owner)
        except AwsError as error:
            self._repeated.warn("ledger call failed", about=error.code, error=str(error), key=key)


def with_ledger(job: Job, *, settings: Settings, door: AwsDoor, logger: logging.Logger) -> Job:
    """Put the job behind the ledger when a table is configured."""
    if not settings.idempotency_table:
        return job
    lease = float(settings.visibility_timeout)
    ledger = Ledger(ledger_call(door), table=settings.idempotency_table, lease=lease)
    return IdempotentJob(job, ledger, renew_every=lease / 4, logger=logger)


def ledger_call(door: AwsDoor) -> Call:
    """DynamoDB by the fast path, or by botocore where that cannot serve."""
    api = door.json_api("dynamodb", target_prefix=TARGET_PREFIX)
    if api is not None:
        return lambda operation, request: api.call(operation, json.dumps(request).encode())
    from worker.botocore_path import as_aws_error

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        method = {
            "PutItem": "put_item",
            "GetItem": "get_item",
            "UpdateItem": "update_item",
            "DeleteItem": "delete_item",
        }[operation]
        with as_aws_error():
            answer: dict[str, Any] = getattr(door.client("dynamodb"), method)(**request)
        return answer

    return call


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
