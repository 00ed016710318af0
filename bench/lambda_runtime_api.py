"""Lambda's Runtime API on loopback, as far as the runtime interface client calls it.

A client that asks for the next invocation is blocked in that call until it is answered, so the
moment of asking is the end of what came before: of the initialisation, or of an invocation.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from types import TracebackType
from typing import Any

FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:bench:live"
TIMEOUT_MS = 30_000


class RuntimeApiError(Exception):
    """The function failed, ended, or did not ask within the time."""


class RuntimeApi:
    """Serves one function process; use as a context manager."""

    def __init__(self) -> None:
        self._asked: Queue[str] = Queue()
        self._events: Queue[object] = Queue()
        self._answer: Any = None
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api._asked.put("")
                event = json.dumps(api._events.get()).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", f"request-{time.monotonic_ns()}")
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN)
                deadline = int(time.time() * 1000) + TIMEOUT_MS
                self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.endswith("/error"):
                    api._asked.put(body.decode())
                else:
                    api._answer = json.loads(body)
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> RuntimeApi:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_until_asked(self, *, seconds: float) -> None:
        """Wait until the function asks for its next invocation."""
        try:
            problem = self._asked.get(timeout=seconds)
        except Empty:
            raise RuntimeApiError(f"the function did not ask within {seconds:g} s") from None
        if problem:
            raise RuntimeApiError(problem)

    def invoke(self, event: object, *, seconds: float) -> Any:
        """Give the waiting function an event; its answer, once it asks for the next one."""
        self._events.put(event)
        self.wait_until_asked(seconds=seconds)
        return self._answer
