"""Documents for a deployed fleet to prepare, and what came of them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.session import LocalAws

POLL_SECONDS = 0.25


class Work:
    """A batch of small documents with a name of its own; every document has to come out once."""

    def __init__(self, aws: LocalAws, name: str, count: int) -> None:
        self._name, self._count = name, count
        self._s3: Any = aws.client("s3")
        self._sqs: Any = aws.client("sqs")
        documents = aws.outputs("Groundwork-dev-Documents")
        self._source = documents["DocumentsBucketName"]
        self._prepared = documents["PreparedDocumentsBucketName"]
        outputs = aws.outputs("Groundwork-dev-Fleet")
        self._queue, self._dead_letters = outputs["QueueUrl"], outputs["DeadLetterQueueUrl"]

    def upload(self) -> None:
        """Put the documents into the bucket."""

        def put(number: int) -> None:
            self._s3.put_object(
                Bucket=self._source,
                Key=self._key(number),
                Body=f"# Document {number}\n\nIts text, for {self._name}.\n".encode(),
            )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(put, range(self._count)))

    def send(self) -> None:
        """One message per document."""
        for start in range(0, self._count, 10):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": json.dumps({"bucket": self._source, "key": self._key(number)}),
                }
                for number in range(start, min(start + 10, self._count))
            ]
            answer = self._sqs.send_message_batch(QueueUrl=self._queue, Entries=entries)
            assert not answer.get("Failed")

    def prepared(self) -> int:
        """How many documents have come out."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._prepared, Prefix=f"{self._name}/"
        )
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return sum(not key.endswith(".metadata.json") for key in keys)

    def left(self) -> int:
        """Messages in the queue, seen or unseen."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def dead(self) -> int:
        """Messages in the dead-letter queue."""
        name = "ApproximateNumberOfMessages"
        found = self._sqs.get_queue_attributes(QueueUrl=self._dead_letters, AttributeNames=[name])
        return int(found["Attributes"][name])

    def wait_for(self, count: int, *, timeout: float) -> float:
        """Seconds until that many documents are out. Raises TimeoutError."""
        begun = time.monotonic()
        while self.prepared() < count:
            if time.monotonic() - begun > timeout:
                raise TimeoutError(
                    f"{self.prepared()} of {self._count} prepared, {self.left()} messages left, "
                    f"{self.dead()} dead"
                )
            time.sleep(POLL_SECONDS)
        return time.monotonic() - begun

    def wait_until_done(self, *, timeout: float) -> float:
        """Seconds until all are out and no message is left. Raises TimeoutError."""
        seconds = self.wait_for(self._count, timeout=timeout)
        begun = time.monotonic()
        while self.left():
            if time.monotonic() - begun > timeout:
                raise TimeoutError(f"{self.left()} messages are left although all is prepared")
            time.sleep(POLL_SECONDS)
        return seconds + time.monotonic() - begun

    def _key(self, number: int) -> str:
        return f"{self._name}/{number}.md"
