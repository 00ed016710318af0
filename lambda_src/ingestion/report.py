"""Tells of documents that did not get into the index: one message each, and one for people.

At least once. How far a report is stands in the table, so that one that is interrupted or refused
goes on where it was: a batch of documents may be queued twice then, and no more.
"""

from __future__ import annotations

import json

from edge.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ingestion.data_source import Job

    Call = Callable[..., dict[str, Any]]
    Document = dict[str, str]

BATCH = 10
SHOWN = 20
LONGEST_LINE = 300
LONGEST_SUBJECT = 100
MOST_DOCUMENTS = 1000
"""Messages for one job. Where more documents fail they share a cause, and whoever mends it needs
their number and some of their names; the next job reports what is left then."""


class Told:
    """How far the report of a job is, as the table keeps it.

    `token` names the page of documents to be read, `done` how many failed ones of it are queued.
    """

    __slots__ = ("done", "job", "listed", "queued", "shown", "started_at", "token")

    def __init__(self, job: Job, text: str = "") -> None:
        """Read what `text` says of this job; nothing is told where it is about another."""
        found = json.loads(text) if text else {}
        if found.get("job") != job.id:
            found = {}
        self.job = job.id
        self.started_at = job.started_at
        self.token: str = found.get("token", "")
        self.done: int = found.get("done", 0)
        self.queued: int = found.get("queued", 0)
        self.listed: bool = found.get("listed", False)
        self.shown: list[str] = found.get("shown", [])

    def text(self) -> str:
        """What the table keeps."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    def add(self, documents: Sequence[Document]) -> None:
        """These are in the queue."""
        self.done += len(documents)
        self.queued += len(documents)
        self.shown += [_line(each) for each in documents[: SHOWN - len(self.shown)]]

    def turn_to(self, token: str) -> None:
        """A page is done; without a token it was the last."""
        self.token, self.done = token, 0
        self.listed = not token or self.full

    def begin_again(self) -> None:
        """Pages cannot be read on. What is queued stays counted, so even this ends."""
        self.token, self.done = "", 0

    @property
    def full(self) -> bool:
        """Whether no more documents get messages of their own."""
        return self.queued >= MOST_DOCUMENTS

    @property
    def room(self) -> int:
        """How many documents the next batch may have."""
        return min(BATCH, MOST_DOCUMENTS - self.queued)


class Report:
    """The queue of failed documents and the topic. Calls raise AwsError."""

    def __init__(self, call: Call, *, topic_arn: str, queue_url: str) -> None:
        self._call = call
        self._topic = topic_arn
        self._queue = queue_url

    def queue_up(self, job: str, documents: Sequence[Document]) -> None:
        """A message for each of at most ten documents."""
        left = [
            {"Id": str(index), "MessageBody": json.dumps({"job": job, **document})}
            for index, document in enumerate(documents)
        ]
        for _ in range(3):
            answer = self._call("sqs", "SendMessageBatch", QueueUrl=self._queue, Entries=left)
            failed = {str(each["Id"]) for each in answer.get("Failed") or ()}
            left = [entry for entry in left if entry["Id"] in failed]
            if not left:
                return
        raise AwsError("NotQueued", 0, f"{len(left)} failed documents were not queued", True)

    def publish(self, job: Job, told: Told, *, reasons: Sequence[str]) -> None:
        """The message for people."""
        lines = [
            f"Ingestion job {job.id} is {job.status}: "
            f"{job.numbers['documents_indexed']} documents indexed, "
            f"{job.numbers['documents_failed']} failed.",
            *told.shown,
        ]
        if told.queued > len(told.shown):
            lines.append(
                f"- and {told.queued - len(told.shown)} more in the queue of failed documents"
            )
        if told.full:
            lines.append(
                f"The queue has only the first {told.queued}; the operation "
                "ListKnowledgeBaseDocuments lists all."
            )
        lines += [f"Reason: {reason}" for reason in reasons[:SHOWN]]
        lines.append("Correct or remove the documents; a change in the bucket starts the next job.")
        self._call(
            "sns",
            "Publish",
            TopicArn=self._topic,
            Subject=f"Ingestion job {job.id}: {job.status}"[:LONGEST_SUBJECT],
            Message="\n".join(lines),
        )


def _line(document: Document) -> str:
    return f"- {document['uri']}: {document['status']} {document['reason']}"[:LONGEST_LINE]
