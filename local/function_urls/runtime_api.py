"""Lambda's Runtime API for one copy of a function, on a port of loopback of its own.

The copy's program asks for its next event and posts the answer, in pieces if it likes. Each piece
is told as it comes, and so is an error, in a request of its own or in the trailers of an answer.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

import binascii
import enum
import http.client
import json
import select
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

HOST = "127.0.0.1"
READ_SECONDS = 2.0
"""To read what an ended program has sent; what it started may hold a connection open."""
PREFIX = "/2018-06-01/runtime/"
BINARY = "application/octet-stream"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"


class FunctionError(Exception):
    """The invocation failed, as Lambda names it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class EndedError(FunctionError):
    """The program is gone; no other event reaches it."""


class Moment(enum.Enum):
    """What is told of an invocation, beside pieces and errors."""

    TAKEN = "the program has the event, and its time runs"
    COMPLETE = "the answer is complete"
    IDLE = "the program asks for its next event"


Told = str | bytes | Moment | FunctionError
"""The type of an answer's content, then its pieces, then that it is complete."""


@dataclass
class Invocation:
    """One event on its way through the program, and what comes back of it."""

    event: bytes
    request_id: str
    function_arn: str
    trace_id: str
    seconds: float
    answered: bool = False
    told: SimpleQueue[Told] = field(default_factory=SimpleQueue)


class RuntimeApi(ThreadingHTTPServer):
    """Serves one program, which has one event at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Requests)
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[Invocation | None] = SimpleQueue()
        self._offered: Invocation | None = None
        self._under_way: Invocation | None = None
        self._ended: EndedError | None = None
        self._connections = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def offer(self, invocation: Invocation) -> None:
        """Have it taken next."""
        with self._lock:
            self._offered = invocation
            if self._ended:
                invocation.told.put(self._ended)
        self._waiting.put(invocation)

    def end(self, reason: EndedError) -> None:
        """The program is gone: read what it sent before, tell whoever waits, and stop serving."""
        with self._lock:
            self._ended = reason
        self._waiting.put(None)
        until = time.monotonic() + READ_SECONDS
        while self._is_read_from() and time.monotonic() < until:
            time.sleep(0.005)
        with self._lock:
            if self._offered:
                self._offered.told.put(reason)
        self.shutdown()
        self.server_close()

    def _is_read_from(self) -> bool:
        """Whether there are connections, accepted or not."""
        return bool(self._connections or select.select([self.socket], [], [], 0)[0])

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection, counted before it is."""
        with self._lock:
            self._connections += 1
        try:
            return super().get_request()
        except OSError:
            with self._lock:
                self._connections -= 1
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The connection, from its first request to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections -= 1

    def next(self) -> Invocation | None:
        """What the program is given; None when there is nothing any more."""
        with self._lock:
            if self._under_way:
                self._under_way.told.put(Moment.IDLE)
            self._under_way = None
        invocation = self._waiting.get()
        with self._lock:
            self._under_way = invocation
        if invocation:
            invocation.told.put(Moment.TAKEN)
        return invocation

    def answering(self, request_id: str) -> Invocation | None:
        """The invocation that the program has, if that is its id and nothing is said of it yet."""
        found = self._under_way
        if found is None or found.request_id != request_id or found.answered:
            return None
        found.answered = True
        return found

    def refuse(self, error: FunctionError) -> None:
        """The program could not be initialised; what waits for it fails."""
        with self._lock:
            if self._offered:
                self._offered.told.put(error)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A program that is ended leaves connections behind; anything else is worth a line."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Requests(BaseHTTPRequestHandler):
    """One connection of the program."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RuntimeApi

    def do_GET(self) -> None:
        """The next invocation, as soon as there is one."""
        if self.path != f"{PREFIX}invocation/next":
            self._answer(404, {"errorMessage": f"there is no {self.path}"})
            return
        invocation = self.server.next()
        if invocation is None:
            self.close_connection = True
            return
        deadline = int((time.time() + invocation.seconds) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            **({"Lambda-Runtime-Trace-Id": invocation.trace_id} if invocation.trace_id else {}),
        }
        self._send(200, invocation.event, headers)

    def do_POST(self) -> None:
        """An answer, or an error."""
        match self.path.removeprefix(PREFIX).split("/"):
            case ["invocation", request_id, "response" | "error" as kind]:
                self._told(self.server.answering(request_id), kind)
            case ["init", "error"]:
                self.server.refuse(self._error())
                self._answer(202, {"status": "OK"})
            case _:
                self._answer(404, {"errorMessage": f"there is no {self.path}"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The function's own lines are its log."""

    def _told(self, invocation: Invocation | None, kind: str) -> None:
        if invocation is None:
            b"".join(self._pieces())
            refusal = {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}
            self._answer(400, refusal)
            return
        if kind == "error":
            invocation.told.put(self._error())
        else:
            self._pass_on(invocation)
        self._answer(202, {"status": "OK"})

    def _pass_on(self, invocation: Invocation) -> None:
        invocation.told.put(self.headers.get("content-type", BINARY))
        try:
            for piece in self._pieces():
                invocation.told.put(piece)
        except ConnectionError as error:
            invocation.told.put(FunctionError("Runtime.TruncatedResponse", str(error)))
            raise
        failed = self._trailers.get(ERROR_TYPE)
        if failed:
            said = binascii.a2b_base64(self._trailers.get(ERROR_BODY, ""))
            invocation.told.put(_function_error(failed, said))
        else:
            invocation.told.put(Moment.COMPLETE)

    def _error(self) -> FunctionError:
        return _function_error(self.headers.get(ERROR_TYPE, ""), b"".join(self._pieces()))

    def _pieces(self) -> Iterator[bytes]:
        """The body as it comes, and the trailers behind it.

        http.server reads neither chunks nor trailers: RFC 9112, section 7.1.
        """
        self._trailers = http.client.HTTPMessage()
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            yield self._read(int(self.headers.get("content-length", 0)))
            return
        while size := int(self.rfile.readline().partition(b";")[0].strip() or b"-1", 16):
            yield self._read(size)
            self.rfile.readline()
        self._trailers = http.client.parse_headers(self.rfile)

    def _read(self, size: int) -> bytes:
        data = self.rfile.read(size) if size >= 0 else b""
        if len(data) != size:
            raise ConnectionError("the program broke its answer off")
        return data

    def _answer(self, status: int, content: Mapping[str, str]) -> None:
        self._send(status, json.dumps(content).encode(), {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _function_error(kind: str, body: bytes) -> FunctionError:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    said = content if isinstance(content, dict) else {"errorMessage": body.decode(errors="replace")}
    return FunctionError(
        kind or str(said.get("errorType") or "Runtime.Unknown"), str(said.get("errorMessage", ""))
    )
