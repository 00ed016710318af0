"""How far ingestion is, in the item that the chat function scopes its cache by."""

from __future__ import annotations

from edge.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ingestion.data_source import Job

    Call = Callable[..., dict[str, Any]]

CONDITION_FAILED = "ConditionalCheckFailedException"
KEY = {"id": {"S": "ingestion"}}


class Progress:
    """Two copies may write: what is older never replaces what is newer. Calls raise AwsError."""

    def __init__(self, call: Call, *, table: str) -> None:
        self._call = call
        self._table = table

    def reported(self) -> str:
        """The newest job whose failures were reported."""
        answer = self._call(
            "dynamodb", "GetItem", TableName=self._table, Key=KEY, ConsistentRead=True
        )
        return str(((answer.get("Item") or {}).get("reported") or {}).get("S") or "")

    def note(self, job: Job) -> None:
        """Write the newest job's status and numbers."""
        self._update(
            {
                "job": {"S": job.id},
                "status": {"S": job.status},
                "started_at": {"S": job.started_at},
                **{name: {"N": str(number)} for name, number in job.numbers.items()},
            },
            unless_later="started_at",
        )

    def completed(self, job: Job) -> None:
        """A job is COMPLETE: answers that were cached before it are no longer found."""
        self._update(
            {"last_completed": {"S": job.id}, "completed_at": {"S": job.updated_at}},
            unless_later="completed_at",
        )

    def mark_reported(self, job: Job) -> None:
        """Its failures are in the topic and in the queue."""
        self._update({"reported": {"S": job.id}})

    def _update(self, values: dict[str, dict[str, str]], *, unless_later: str = "") -> None:
        names = {f"#{name}": name for name in values}
        condition = {}
        if unless_later:
            condition["ConditionExpression"] = (
                f"attribute_not_exists(#{unless_later}) OR #{unless_later} <= :{unless_later}"
            )
        try:
            self._call(
                "dynamodb",
                "UpdateItem",
                TableName=self._table,
                Key=KEY,
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
                **condition,
            )
        except AwsError as error:
            if error.code != CONDITION_FAILED:
                raise
