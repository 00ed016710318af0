"""Tells of documents that did not get into the index: one message each, and one for people.

At least once: a copy that dies in between reports again.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from ingestion.data_source import Job

    Call = Callable[..., dict[str, Any]]

BATCH = 10
SHOWN = 20
LONGEST_SUBJECT = 100


class Report:
    """The queue of failed documents and the topic. Calls raise AwsError."""

    def __init__(self, call: Call, *, topic_arn: str, queue_url: str) -> None:
        self._call = call
        self._topic = topic_arn
        self._queue = queue_url

    def send(self, job: Job, *, reasons: Sequence[str], documents: Iterable[dict[str, str]]) -> int:
        """Report a job; how many documents failed."""
        found = [{"job": job.id, **document} for document in documents]
        for first in range(0, len(found), BATCH):
            self._queue_up(found[first : first + BATCH])
        lines = [
            f"Ingestion job {job.id} is {job.status}: "
            f"{job.numbers['documents_indexed']} documents indexed, "
            f"{job.numbers['documents_failed']} failed.",
            *(f"- {each['uri']}: {each['status']} {each['reason']}" for each in found[:SHOWN]),
        ]
        if len(found) > SHOWN:
            lines.append(f"- and {len(found) - SHOWN} more in the queue of failed documents")
        lines += [f"Reason: {reason}" for reason in reasons[:SHOWN]]
        lines.append("Correct or remove the documents; a change in the bucket starts the next job.")
        self._call(
            "sns",
            "Publish",
            TopicArn=self._topic,
            Subject=f"Ingestion job {job.id}: {job.status}"[:LONGEST_SUBJECT],
            Message="\n".join(lines),
        )
        return len(found)

    def _queue_up(self, documents: Sequence[dict[str, str]]) -> None:
        left = [
            {"Id": str(index), "MessageBody": json.dumps(document)}
            for index, document in enumerate(documents)
        ]
        for _ in range(3):
            answer = self._call("sqs", "SendMessageBatch", QueueUrl=self._queue, Entries=left)
            failed = {str(each["Id"]) for each in answer.get("Failed") or ()}
            left = [entry for entry in left if entry["Id"] in failed]
            if not left:
                return
        from edge.errors import AwsError

        raise AwsError("NotQueued", 0, f"{len(left)} failed documents were not queued", True)
