"""The table of conversations. Calls raise AwsError.

A turn is an item of its own and is never changed. Two questions at the same time in one
conversation get two numbers, because each number is written only once; the later one does not see
the other.
"""

from __future__ import annotations

import os
import time

from chat.conversation import Conversation, Turn
from edge import json_log
from edge.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Call = Callable[..., dict[str, Any]]

SUMMARY = "#summary"
WINDOW = 20
"""Turns that are read; older ones count only through the summary."""
ATTEMPTS = 10
CONDITION_FAILED = "ConditionalCheckFailedException"


class Memory:
    """Reads and writes conversations, which are kept for `keep_seconds` after a turn."""

    def __init__(
        self,
        call: Call,
        *,
        table: str,
        keep_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._call = call
        self._table = table
        self._keep = keep_seconds
        self._clock = clock

    def load(self, key: str) -> Conversation:
        """What is known of a conversation. DynamoDB deletes late; what has expired is not read."""
        answer = self._call(
            "dynamodb",
            "Query",
            TableName=self._table,
            KeyConditionExpression="conversation = :key",
            ExpressionAttributeValues={":key": {"S": key}},
            ScanIndexForward=False,
            Limit=WINDOW,
            ConsistentRead=True,
        )
        items = list(answer.get("Items") or ())
        if answer.get("LastEvaluatedKey"):
            items += self._summary_of(key)
        now = self._clock()
        live = [item for item in items if float(item["expires_at"]["N"]) > now]
        summaries = [item for item in live if item["turn"]["S"] == SUMMARY]
        return Conversation(
            key,
            turns=[_turn_of(item) for item in live if item["turn"]["S"] != SUMMARY],
            summary=summaries[0]["text"]["S"] if summaries else "",
            through=int(summaries[0]["through"]["N"]) if summaries else 0,
            taken=max(map(_number_of, items), default=0),
        )

    def add(self, conversation: Conversation, *, question: str, answer: str) -> int:
        """Write a turn under the next free number, and return that; the summary is kept as long as
        the turn.
        """
        now = self._clock()
        id_ = os.urandom(8).hex()
        number = conversation.last_number
        for _ in range(ATTEMPTS):
            number += 1
            item = {
                "conversation": {"S": conversation.key},
                "turn": {"S": f"{number:08d}"},
                "id": {"S": id_},
                "question": {"S": question},
                "answer": {"S": answer},
                "asked_at": {"S": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))},
                "expires_at": {"N": str(int(now + self._keep))},
            }
            if self._put(item):
                if conversation.summary:
                    self._renew(conversation)
                return number
        raise AwsError("TooManyTurns", 0, "too many questions at once in a conversation", True)

    def _renew(self, conversation: Conversation) -> None:
        """Keep a summary for longer. The turn is written by then: where that fails the summary
        lasts as long as it did, and the next turn tries again.
        """
        try:
            self._summarise(
                conversation.key,
                conversation.summary,
                through=conversation.through,
                condition="through = :through",
            )
        except AwsError as error:
            json_log.write("summary not renewed", level="WARN", code=error.code, error=str(error))

    def condense(self, conversation: Conversation, summary: str, *, through: int) -> None:
        """Write a summary, unless another one reaches as far."""
        self._summarise(
            conversation.key,
            summary,
            through=through,
            condition="attribute_not_exists(through) OR through < :through",
        )

    def _summarise(self, key: str, summary: str, *, through: int, condition: str) -> None:
        try:
            self._call(
                "dynamodb",
                "PutItem",
                TableName=self._table,
                Item={
                    "conversation": {"S": key},
                    "turn": {"S": SUMMARY},
                    "text": {"S": summary},
                    "through": {"N": str(through)},
                    "expires_at": {"N": str(int(self._clock() + self._keep))},
                },
                ConditionExpression=condition,
                ExpressionAttributeValues={":through": {"N": str(through)}},
            )
        except AwsError as error:
            if error.code != CONDITION_FAILED:
                raise

    def _summary_of(self, key: str) -> list[dict[str, Any]]:
        answer = self._call(
            "dynamodb",
            "GetItem",
            TableName=self._table,
            Key={"conversation": {"S": key}, "turn": {"S": SUMMARY}},
            ConsistentRead=True,
        )
        return [answer["Item"]] if answer.get("Item") else []

    def _put(self, item: dict[str, dict[str, str]]) -> bool:
        """Write a turn; False when its number is taken by another one.

        An attempt of ours whose answer was lost looks like another turn, but has our id.
        """
        try:
            self._call(
                "dynamodb",
                "PutItem",
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(turn)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AwsError as error:
            if error.code != CONDITION_FAILED:
                raise
            found: Any = error.fields.get("Item") or {}
            return bool(found.get("id") == item["id"])
        return True


def _turn_of(item: dict[str, Any]) -> Turn:
    return Turn(int(item["turn"]["S"]), question=item["question"]["S"], answer=item["answer"]["S"])


def _number_of(item: dict[str, Any]) -> int:
    """The number of a turn, or of the last one that is in a summary."""
    return int(item["through"]["N"] if item["turn"]["S"] == SUMMARY else item["turn"]["S"])
