"""The SQS operations that consumers and their libraries call, from request to answer as bytes.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from bench.sqs_queue import ATTRIBUTES, DEFAULT_VISIBILITY_SECONDS, Queue, md5_hex

Request = dict[str, Any]
LARGEST_BATCH = 10


class ApiError(Exception):
    """An answer with status 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": message}).encode()


class Receive:
    """The parameters of a ReceiveMessage request."""

    __slots__ = ("attributes", "most", "queue", "visibility", "wait_seconds")

    def __init__(self, request: Request) -> None:
        self.queue = queue_name(request)
        self.most = int(request.get("MaxNumberOfMessages", 1))
        self.wait_seconds = float(request.get("WaitTimeSeconds", 0))
        self.visibility = float(request.get("VisibilityTimeout", DEFAULT_VISIBILITY_SECONDS))
        if not 1 <= self.most <= LARGEST_BATCH:
            raise ApiError("InvalidParameterValue", f"MaxNumberOfMessages={self.most}: set 1 to 10")
        names = request.get("MessageSystemAttributeNames") or request.get("AttributeNames") or ()
        self.attributes = tuple(n for n in ATTRIBUTES if n in names or "All" in names)


@lru_cache(maxsize=256)
def parse_receive(body: bytes) -> Receive:
    """A consumer sends the same bytes again and again: they are parsed once."""
    return Receive(json.loads(body))


def queue_name(request: Request) -> str:
    """The last part of the queue's URL."""
    return str(request.get("QueueUrl", "")).rsplit("/", 1)[-1]


def messages(found: Sequence[str]) -> bytes:
    """The answer to ReceiveMessage."""
    return f'{{"Messages":[{",".join(found)}]}}'.encode() if found else b"{}"


class SqsApi:
    """Queues by name; they come into being when they are first named.

    `url` is what queue URLs start with. `changed` is called with a queue that got visible messages.
    """

    def __init__(self, *, url: str, changed: Callable[[str], None]) -> None:
        self.queues: dict[str, Queue] = {}
        self._url = url
        self._changed = changed
        self._operations: dict[str, Callable[[Request], Request | bytes]] = {
            "GetQueueUrl": self._get_queue_url,
            "ListQueues": self._list_queues,
            "GetQueueAttributes": self._get_queue_attributes,
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._change,
            "ChangeMessageVisibilityBatch": self._change_batch,
        }

    def queue(self, name: str) -> Queue:
        """A queue."""
        queue = self.queues.get(name)
        if queue is None:
            queue = self.queues[name] = Queue()
        return queue

    def receive(self, request: Receive) -> list[str]:
        """ReceiveMessage without the waiting."""
        return self.queue(request.queue).receive(
            request.most, request.visibility, request.attributes
        )

    def call(self, operation: str, body: bytes) -> bytes:
        """Any other operation. Raises ApiError."""
        action = self._operations.get(operation)
        if action is None:
            raise ApiError("UnknownOperationException", operation)
        request = json.loads(body)
        answer = action(request)
        name = str(request.get("QueueName") or queue_name(request))
        self.queue(name).calls[operation] += 1
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def _get_queue_url(self, request: Request) -> Request:
        return {"QueueUrl": f"{self._url}/{request['QueueName']}"}

    def _list_queues(self, request: Request) -> Request:
        prefix = request.get("QueueNamePrefix", "")
        return {"QueueUrls": [f"{self._url}/{n}" for n in self.queues if n.startswith(prefix)]}

    def _get_queue_attributes(self, request: Request) -> Request:
        queue = self.queue(queue_name(request))
        values = {
            "ApproximateNumberOfMessages": str(len(queue.visible)),
            "ApproximateNumberOfMessagesNotVisible": str(len(queue.in_flight)),
            "VisibilityTimeout": f"{DEFAULT_VISIBILITY_SECONDS:.0f}",
        }
        names = request.get("AttributeNames", ())
        return {"Attributes": {n: v for n, v in values.items() if n in names or "All" in names}}

    def _send(self, request: Request) -> Request:
        name = queue_name(request)
        (sent,) = self.queue(name).send([request["MessageBody"]])
        self._changed(name)
        return {"MessageId": sent.message_id, "MD5OfMessageBody": md5_hex(sent.body)}

    def _send_batch(self, request: Request) -> Request:
        name = queue_name(request)
        entries = request["Entries"]
        sent = self.queue(name).send([entry["MessageBody"] for entry in entries])
        self._changed(name)
        return {
            "Successful": [
                {
                    "Id": entry["Id"],
                    "MessageId": message.message_id,
                    "MD5OfMessageBody": md5_hex(message.body),
                }
                for entry, message in zip(entries, sent, strict=True)
            ]
        }

    def _delete(self, request: Request) -> bytes:
        self.queue(queue_name(request)).delete(request["ReceiptHandle"])
        return b"{}"

    def _delete_batch(self, request: Request) -> bytes:
        queue = self.queue(queue_name(request))
        entries = _entries(request)
        for entry in entries:
            queue.delete(entry["ReceiptHandle"])
        done = ",".join([f'{{"Id":{quoted(entry["Id"])}}}' for entry in entries])
        return f'{{"Successful":[{done}]}}'.encode()

    def _change(self, request: Request) -> bytes:
        name = queue_name(request)
        if not self._change_one(name, request):
            raise ApiError("InvalidParameterValue", NOT_IN_FLIGHT)
        return b"{}"

    def _change_batch(self, request: Request) -> Request:
        name = queue_name(request)
        answer: Request = {"Successful": [], "Failed": []}
        for entry in _entries(request):
            if self._change_one(name, entry):
                answer["Successful"].append({"Id": entry["Id"]})
            else:
                failure = {"Code": "InvalidParameterValue", "Message": NOT_IN_FLIGHT}
                answer["Failed"].append({"Id": entry["Id"], "SenderFault": True, **failure})
        return {name: entries for name, entries in answer.items() if entries}

    def _change_one(self, name: str, entry: Request) -> bool:
        seconds = float(entry["VisibilityTimeout"])
        done = self.queue(name).change_visibility(entry["ReceiptHandle"], seconds)
        if done and not seconds:
            self._changed(name)
        return done


NOT_IN_FLIGHT = "Message does not exist or is not available for visibility timeout change."


def _entries(request: Request) -> list[Request]:
    entries: list[Request] = request["Entries"]
    if not entries:
        raise ApiError("EmptyBatchRequest", "There should be at least one entry.")
    if len(entries) > LARGEST_BATCH:
        raise ApiError("TooManyEntriesInBatchRequest", f"{len(entries)} entries: send up to 10")
    if len({entry["Id"] for entry in entries}) < len(entries):
        raise ApiError("BatchEntryIdsNotDistinct", "Two entries have the same Id.")
    return entries
