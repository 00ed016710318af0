"""A small SQS on loopback for tests and bench/loss.py: one queue, its dead-letter queue, faults.

It keeps to the documented behaviour of standard queues: visibility timeouts, a new receipt handle
per receive, receive counts, redrive after the last receive, long polling, batches with partial
failure. `faults` may answer any request with an error, cut the connection before or after acting,
or delay it. Speed does not matter here; bench/ has a server for measurements.
"""

from __future__ import annotations

import contextlib
import email.utils
import heapq
import itertools
import json
import socket
import ssl
import threading
import time
from calendar import timegm
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Request = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What to do instead of, or besides, answering."""

    status: int = 0
    code: str = ""
    message: str = "injected"
    delay: float = 0.0
    cut_before: bool = False
    cut_after: bool = False
    fail_entries: frozenset[int] = frozenset()
    entry_code: str = "InternalError"
    sender_fault: bool = False


@dataclass(eq=False)
class Stored:
    """A message in the queue."""

    message_id: str
    body: str
    sent: float
    receives: int = 0
    receipt: str = ""
    invisible_until: float = 0.0


@dataclass
class Call:
    """One request that arrived."""

    operation: str
    at: float
    request: Request
    headers: dict[str, str]


@dataclass
class SqsServer:
    """Start with `with SqsServer() as server`."""

    visibility_timeout: float = 30.0
    max_receive_count: int = 1000
    latency: float = 0.0
    clock_offset: float = 0.0
    faults: Callable[[str, Request, int], Fault | None] | None = None
    tls: ssl.SSLContext | None = None
    valid_tokens: set[str] | None = None
    exists: bool = True
    calls: list[Call] = field(default_factory=list)
    receives: list[tuple[str, int, float]] = field(default_factory=list)
    deleted: dict[str, float] = field(default_factory=dict)
    dead: list[Stored] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._messages: dict[str, Stored] = {}
        self._visible: deque[Stored] = deque()
        self._invisible: list[tuple[float, int, Stored]] = []
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._stopped = False
        self._patient = True
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        scheme = "https" if self.tls else "http"
        host = "localhost" if self.tls else "127.0.0.1"
        self.url = f"{scheme}://{host}:{self.port}"
        self.queue_url = f"{self.url}/000000000000/work"

    def __enter__(self) -> SqsServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        with self._changed:
            self._changed.notify_all()
        self._listener.close()
        self.cut_connections()

    # --- for the test ---------------------------------------------------------------------------

    def send(self, *bodies: str) -> list[str]:
        """Put messages into the queue; returns their ids."""
        with self._changed:
            ids = []
            for body in bodies:
                message = Stored(f"m-{next(self._numbers)}", body, time.time())
                self._messages[message.message_id] = message
                self._visible.append(message)
                ids.append(message.message_id)
            self._changed.notify_all()
        return ids

    @property
    def left(self) -> int:
        """Messages that are neither deleted nor dead."""
        return len(self._messages)

    @property
    def in_flight(self) -> int:
        """Messages that somebody holds."""
        with self._changed:
            self._refresh()
            return len(self._messages) - len(self._visible)

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(call.operation == operation for call in self.calls)

    def receive_count(self, message_id: str) -> int:
        """How often a message was received."""
        return sum(received == message_id for received, _, _ in self.receives)

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
        """Wait for something to become true, or fail."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(
                    f"not within {seconds} s; left={self.left} in_flight={self.in_flight} "
                    f"calls={[call.operation for call in self.calls][-20:]}"
                )
            time.sleep(0.005)

    def end_polls(self) -> None:
        """Answer long polls at once from now on, so that nobody waits for them."""
        self._patient = False
        with self._changed:
            self._changed.notify_all()

    def cut_connections(self) -> None:
        """Cut all connections, whatever they are doing."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    # --- HTTP -----------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._stopped:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while not self._stopped and self._serve_one(connection, stream):
                pass
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(connection)
            connection.close()

    def _serve_one(self, connection: socket.socket, stream: Any) -> bool:
        if not stream.readline():
            return False
        headers: dict[str, str] = {}
        while (line := stream.readline().rstrip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        operation = headers.get("x-amz-target", "").split(".")[-1]
        request: Request = json.loads(body or b"{}")
        with self._changed:
            self.calls.append(Call(operation, time.monotonic(), request, headers))
            number = len(self.calls)
        fault = (self.faults(operation, request, number) if self.faults else None) or Fault()
        time.sleep(self.latency + fault.delay)
        if fault.cut_before:
            return False
        status, answer = self._answer(operation, request, headers, fault)
        if fault.cut_after:
            return False
        content = json.dumps(answer).encode()
        date = email.utils.formatdate(time.time() + self.clock_offset, usegmt=True)
        connection.sendall(
            f"HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\ndate: {date}\r\n"
            f"content-length: {len(content)}\r\n\r\n".encode()
            + content
        )
        return True

    def _answer(
        self, operation: str, request: Request, headers: dict[str, str], fault: Fault
    ) -> tuple[int, Request]:
        if fault.status:
            return fault.status, _error(fault.code, fault.message)
        refusal = self._refusal(headers)
        if refusal:
            return refusal
        handler = getattr(self, f"_{operation}", None)
        if handler is None:
            return 400, _error("UnknownOperationException", operation)
        if not self.exists:
            return 400, _error("QueueDoesNotExist", "The specified queue does not exist.")
        answer: Request = handler(request, fault)
        return 200, answer

    def _refusal(self, headers: dict[str, str]) -> tuple[int, Request] | None:
        if "signature=" not in headers.get("authorization", "").lower():
            return 403, _error("MissingAuthenticationTokenException", "no signature")
        signed_at = timegm(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
        if abs(signed_at - time.time() - self.clock_offset) > 300:
            return 403, _error("InvalidSignatureException", "Signature expired")
        token = headers.get("x-amz-security-token", "")
        if self.valid_tokens is not None and token not in self.valid_tokens:
            return 403, _error("ExpiredTokenException", "The security token is expired")
        return None

    # --- SQS ------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        now = time.monotonic()
        while self._invisible and self._invisible[0][0] <= now:
            until, _, message = heapq.heappop(self._invisible)
            if message.message_id in self._messages and message.invisible_until == until:
                message.invisible_until = 0.0
                self._visible.append(message)

    def _hide(self, message: Stored, seconds: float) -> None:
        message.invisible_until = time.monotonic() + max(seconds, 1e-6)
        heapq.heappush(self._invisible, (message.invisible_until, next(self._numbers), message))

    def _ReceiveMessage(self, request: Request, _: Fault) -> Request:  # noqa: N802
        most = int(request.get("MaxNumberOfMessages", 1))
        wait_until = time.monotonic() + float(request.get("WaitTimeSeconds", 0))
        visibility = float(request.get("VisibilityTimeout", self.visibility_timeout))
        with self._changed:
            while True:
                self._refresh()
                taken = self._take(most, visibility)
                left = wait_until - time.monotonic()
                if taken or left <= 0 or self._stopped or not self._patient:
                    return {"Messages": taken} if taken else {}
                next_visible = self._invisible[0][0] - time.monotonic() if self._invisible else left
                self._changed.wait(max(0.001, min(left, next_visible)))

    def _take(self, most: int, visibility: float) -> list[Request]:
        taken: list[Request] = []
        while self._visible and len(taken) < most:
            message = self._visible.popleft()
            if message.message_id not in self._messages or message.invisible_until:
                continue
            if message.receives >= self.max_receive_count:
                self.dead.append(self._messages.pop(message.message_id))
                continue
            message.receives += 1
            message.receipt = f'{message.message_id}/"{message.receives}"+é'
            self._hide(message, visibility)
            self.receives.append((message.message_id, message.receives, time.monotonic()))
            taken.append(
                {
                    "MessageId": message.message_id,
                    "ReceiptHandle": message.receipt,
                    "MD5OfBody": "unused",
                    "Body": message.body,
                    "Attributes": {
                        "ApproximateReceiveCount": str(message.receives),
                        "SentTimestamp": str(int(message.sent * 1000)),
                    },
                }
            )
        return taken

    def _DeleteMessageBatch(self, request: Request, fault: Fault) -> Request:  # noqa: N802
        return self._batch(request, fault, self._delete)

    def _ChangeMessageVisibilityBatch(self, request: Request, fault: Fault) -> Request:  # noqa: N802
        return self._batch(request, fault, self._change)

    def _batch(
        self, request: Request, fault: Fault, act: Callable[[Request], Request | None]
    ) -> Request:
        successful, failed = [], []
        with self._changed:
            self._refresh()
            for index, entry in enumerate(request["Entries"]):
                if index in fault.fail_entries:
                    failure: Request | None = {
                        "Code": fault.entry_code,
                        "Message": fault.message,
                        "SenderFault": fault.sender_fault,
                    }
                else:
                    failure = act(entry)
                if failure:
                    failed.append({"Id": entry["Id"], **failure})
                else:
                    successful.append({"Id": entry["Id"]})
            self._changed.notify_all()
        return {"Successful": successful, "Failed": failed}

    def _delete(self, entry: Request) -> Request | None:
        message = self._holder(entry)
        # A standard queue accepts the delete by an old receipt handle and ignores it.
        if message is not None and message.receipt == entry["ReceiptHandle"]:
            del self._messages[message.message_id]
            self.deleted[message.message_id] = time.monotonic()
        return None

    def _change(self, entry: Request) -> Request | None:
        message = self._holder(entry)
        if (
            message is None
            or message.receipt != entry["ReceiptHandle"]
            or not message.invisible_until
        ):
            return {
                "Code": "InvalidParameterValue",
                "Message": "Message does not exist or is not available for visibility "
                "timeout change.",
                "SenderFault": True,
            }
        self._hide(message, float(entry["VisibilityTimeout"]))
        return None

    def _holder(self, entry: Request) -> Stored | None:
        return self._messages.get(str(entry["ReceiptHandle"]).split("/")[0])


def _error(code: str, message: str) -> Request:
    return {"__type": f"com.amazonaws.sqs#{code}", "message": message}
