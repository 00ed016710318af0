"""How far ingestion is, in the item that the chat function scopes its cache by; and how far its
report is, in an item of its own, which is larger and not read with every question.
"""

from __future__ import annotations

import json

from edge.errors import AwsError
from ingestion.report import Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ingestion.data_source import Job

    Call = Callable[..., dict[str, Any]]

CONDITION_FAILED = "ConditionalCheckFailedException"
INGESTION = "ingestion"
REPORT = "report"


class Progress:
    """Two copies may write: what is older never replaces what is newer. Calls raise AwsError."""

    def __init__(self, call: Call, *, table: str) -> None:
        self._call = call
        self._table = table
        self._kept = ""
        self._reported = ""

    def reported(self) -> str:
        """The newest job whose failures were reported."""
        self._reported = self._read(INGESTION, "reported")
        return self._reported

    def note(self, job: Job) -> None:
        """Write the newest job's status and numbers, unless they are older than what is there: of
        a job that began before, or of this one from before its status changed.
        """
        self._update(
            INGESTION,
            {
                "job": {"S": job.id},
                "status": {"S": job.status},
                "started_at": {"S": job.started_at},
                "updated_at": {"S": job.updated_at},
                **{name: {"N": str(number)} for name, number in job.numbers.items()},
            },
            condition="attribute_not_exists(#started_at) OR #started_at < :started_at OR "
            "(#started_at = :started_at AND "
            "(attribute_not_exists(#updated_at) OR #updated_at <= :updated_at))",
        )

    def ended(self, job: Job) -> None:
        """A job is over, and has changed the index, however it ended."""
        self._update(
            INGESTION,
            {"ended": {"S": job.id}, "ended_at": {"S": job.updated_at}},
            condition="attribute_not_exists(#ended_at) OR #ended_at <= :ended_at",
        )

    def completed(self, job: Job) -> None:
        """A job is COMPLETE: answers that were cached before it are no longer found."""
        self._update(
            INGESTION,
            {"last_completed": {"S": job.id}, "completed_at": {"S": job.updated_at}},
            condition="attribute_not_exists(#completed_at) OR #completed_at <= :completed_at",
        )

    def mark_reported(self, job: Job) -> None:
        """Its failures are in the topic and in the queue. Another copy that has reported a job
        since `reported` was asked was later, and its mark stays.
        """
        self._replace(INGESTION, "reported", self._reported, job.id)

    def told(self, job: Job) -> Told | None:
        """How far the report of a job is; None when a newer one's has begun, which stands."""
        self._kept = self._read(REPORT, "told")
        found = json.loads(self._kept or "{}")
        if found.get("job") != job.id and found.get("started_at", "") > job.started_at:
            return None
        return Told(job, self._kept)

    def keep(self, told: Told) -> bool:
        """Write how far a report is; False when another copy has got further since it was read."""
        text = told.text()
        done = self._replace(REPORT, "told", self._kept, text)
        if done:
            self._kept = text
        return done

    def _replace(self, item: str, name: str, before: str, text: str) -> bool:
        """Write a text unless it is another one than before; whether that is done."""
        if not before:
            return self._update(
                item, {name: {"S": text}}, condition=f"attribute_not_exists(#{name})"
            )
        return self._update(
            item,
            {name: {"S": text}},
            condition=f"#{name} = :before",
            values={":before": {"S": before}},
        )

    def _read(self, item: str, name: str) -> str:
        answer = self._call(
            "dynamodb",
            "GetItem",
            TableName=self._table,
            Key={"id": {"S": item}},
            ConsistentRead=True,
        )
        return str(((answer.get("Item") or {}).get(name) or {}).get("S") or "")

    def _update(
        self,
        item: str,
        written: Mapping[str, dict[str, str]],
        *,
        condition: str,
        values: Mapping[str, dict[str, str]] | None = None,
    ) -> bool:
        """Write attributes; whether the condition held."""
        try:
            self._call(
                "dynamodb",
                "UpdateItem",
                TableName=self._table,
                Key={"id": {"S": item}},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in written),
                ExpressionAttributeNames={f"#{name}": name for name in written},
                ExpressionAttributeValues={
                    **{f":{name}": value for name, value in written.items()},
                    **(values or {}),
                },
                ConditionExpression=condition,
            )
        except AwsError as error:
            if error.code != CONDITION_FAILED:
                raise
            return False
        return True
