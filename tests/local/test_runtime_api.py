"""Lambda's Runtime API as a program sees it, without a program."""

from __future__ import annotations

import socket
from queue import Empty

from local.function_urls.runtime_api import (
    EndedError,
    FunctionError,
    Invocation,
    Moment,
    RuntimeApi,
)

GONE = EndedError("Runtime.ExitError", "gone")
ASKS = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
BEGINS = (
    b"POST /2018-06-01/runtime/invocation/r1/response HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst,\r\n"
)


def offered(api: RuntimeApi) -> Invocation:
    invocation = Invocation(
        event=b"{}", request_id="r1", function_arn="arn", trace_id="", seconds=9.0
    )
    api.offer(invocation)
    return invocation


def told(invocation: Invocation) -> list[object]:
    found: list[object] = []
    try:
        while True:
            found.append(invocation.told.get(timeout=0.2))
    except Empty:
        return found


def test_what_a_program_sent_before_it_ended_is_told_before_its_end() -> None:
    for _ in range(5):
        api = RuntimeApi()
        invocation = offered(api)
        with socket.create_connection(("127.0.0.1", api.server_port)) as asking:
            asking.sendall(ASKS)
            assert asking.recv(12) == b"HTTP/1.1 200"
            with socket.create_connection(("127.0.0.1", api.server_port)) as answering:
                answering.sendall(BEGINS)
        api.end(GONE)
        *_, kind, piece, broken, end = told(invocation)
        assert (kind, piece, end) == ("text/plain", b"first,", GONE)
        assert isinstance(broken, FunctionError)
        assert broken.kind == "Runtime.TruncatedResponse"


def test_an_event_for_a_program_that_is_gone_fails_at_once() -> None:
    api = RuntimeApi()
    api.end(GONE)
    assert told(offered(api)) == [GONE]


def test_a_program_that_waits_for_its_next_event_hears_of_the_end() -> None:
    api = RuntimeApi()
    with socket.create_connection(("127.0.0.1", api.server_port)) as asking:
        asking.sendall(ASKS)
        invocation = offered(api)
        assert asking.recv(12) == b"HTTP/1.1 200"
    api.end(GONE)
    assert told(invocation) == [Moment.TAKEN, GONE]
