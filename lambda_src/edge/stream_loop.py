"""A runtime for functions whose answers stream: a loop on Lambda's Runtime API.

    python3 -m edge.stream_loop chat.streaming.stream

AWS's own runtime for Python returns an answer as a whole; a program that speaks the Runtime API may
send it in pieces. A wrapper script starts this instead of AWS's runtime
(docs/decisions/0006-answers-that-stream.md).
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming

What it calls is given an event, a context and a StreamedAnswer, and returns when the answer is
complete.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time

from edge import json_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Streamer = Callable[[dict[str, Any], "Context", "StreamedAnswer"], object]

VERSION = "2018-06-01"
INTEGRATION = "application/vnd.awslambda.http-integration-response"
SEPARATOR = bytes(8)
"""Eight zero bytes between status with headers and the body of an HTTP answer:
https://docs.aws.amazon.com/lambda/latest/dg/response-streaming-tutorial.html"""


class Context:
    """What a handler may ask about its invocation."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id", "")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn", "")
        self._deadline = int(headers.get("lambda-runtime-deadline-ms") or 0)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        return max(0, self._deadline - int(time.time() * 1000))


class StreamedAnswer:
    """One answer: `begin` once, then `write`; nothing is sent before the first of them."""

    def __init__(self, host: str, request_id: str) -> None:
        self.begun = False
        self._path = f"/{VERSION}/runtime/invocation/{request_id}"
        self._connection = http.client.HTTPConnection(host)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers."""
        self.begun = True
        connection = self._connection
        connection.putrequest("POST", f"{self._path}/response", skip_accept_encoding=True)
        connection.putheader("Content-Type", INTEGRATION)
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader(
            "Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
        )
        connection.endheaders()
        prelude = json.dumps({"statusCode": status, "headers": dict(headers)}).encode()
        self.write(prelude + SEPARATOR)

    def write(self, data: bytes) -> None:
        """Send the next piece of the body, at once."""
        if data:
            self._connection.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        """The answer is complete."""
        if not self.begun:
            self.begin(204, {})
        self._finish(b"")

    def fail(self, error: BaseException) -> None:
        """The function failed; what was sent stays, and Lambda hears that it is not complete."""
        import base64

        content = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
        if self.begun:
            body = base64.b64encode(content.encode()).decode()
            self._finish(
                f"Lambda-Runtime-Function-Error-Type: {type(error).__name__}\r\n"
                f"Lambda-Runtime-Function-Error-Body: {body}\r\n".encode()
            )
            return
        self._connection.request(
            "POST",
            f"{self._path}/error",
            content,
            {"Lambda-Runtime-Function-Error-Type": type(error).__name__},
        )
        self._connection.getresponse().read()
        self._connection.close()

    def _finish(self, trailers: bytes) -> None:
        self._connection.send(b"0\r\n" + trailers + b"\r\n")
        self._connection.getresponse().read()
        self._connection.close()


def serve(stream: Streamer, *, host: str, invocations: int = sys.maxsize) -> None:
    """Answer invocations, one after the other, as long as Lambda has some."""
    connection = http.client.HTTPConnection(host)
    for _ in range(invocations):
        connection.request("GET", f"/{VERSION}/runtime/invocation/next")
        response = connection.getresponse()
        event = json.loads(response.read())
        headers = {name.lower(): value for name, value in response.getheaders()}
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        context = Context(headers)
        answer = StreamedAnswer(host, context.aws_request_id)
        try:
            stream(event, context, answer)
            answer.end()
        except Exception as error:  # the next invocation may do better
            json_log.write(
                "failed", level="ERROR", error=repr(error), requestId=context.aws_request_id
            )
            answer.fail(error)


def main(name: str) -> None:
    """Load what answers and serve it; a failure to load is told to Lambda."""
    import importlib

    host = os.environ["AWS_LAMBDA_RUNTIME_API"]
    module, _, attribute = name.rpartition(".")
    try:
        stream = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        connection = http.client.HTTPConnection(host)
        content = {"errorMessage": str(error), "errorType": type(error).__name__}
        connection.request("POST", f"/{VERSION}/runtime/init/error", json.dumps(content))
        connection.getresponse().read()
        raise
    serve(stream, host=host)


if __name__ == "__main__":
    main(sys.argv[1])
