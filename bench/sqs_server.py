"""A server that speaks SQS on loopback, so fast that a benchmark measures its clients.

    python -m bench.sqs_server [--latency-ms 10] [--certificate FILE --key FILE]

It prints its URL as a line of JSON and then obeys commands on standard input (bench.sqs_process),
one JSON object a line; it ends when standard input does. Nothing is durable and nothing is checked
that costs time, with one exception: a request without a Signature Version 4 header is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import ssl
import sys
import time
from collections import deque
from email.utils import formatdate
from pathlib import Path
from typing import Any

from bench.sqs_api import ApiError, Receive, SqsApi, messages, parse_receive

ACCOUNT = "000000000000"
EXPIRE_EVERY_SECONDS = 0.5
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden"}
UNSIGNED = (
    b'{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException",'
    b'"message":"the request is not signed"}'
)


class Waiter:
    """A long poll that found the queue empty."""

    __slots__ = ("connection", "request", "timer")

    def __init__(self, connection: Connection, request: Receive) -> None:
        self.connection = connection
        self.request = request
        self.timer: asyncio.TimerHandle | None = None


class Server:
    """Connections, long polls and the queues behind them."""

    def __init__(self, *, url: str, latency: float) -> None:
        self.api = SqsApi(url=url, changed=self.changed)
        self.latency = latency
        self.loop = asyncio.get_running_loop()
        self.progress = asyncio.Event()
        self._waiters: dict[str, deque[Waiter]] = {}

    def handle(self, connection: Connection, operation: str, body: bytes) -> None:
        """Answer a request, at once or when a long poll ends."""
        try:
            if operation == "ReceiveMessage":
                self._receive(connection, parse_receive(body))
                return
            answer = self.api.call(operation, body)
        except ApiError as error:
            connection.answer(400, error.body)
            return
        except (KeyError, ValueError, TypeError) as error:
            connection.answer(400, ApiError("InvalidRequest", repr(error)).body)
            return
        self.progress.set()
        connection.answer(200, answer)

    def _receive(self, connection: Connection, request: Receive) -> None:
        self.api.queue(request.queue).calls["ReceiveMessage"] += 1
        found = self.api.receive(request)
        if found or not request.wait_seconds:
            connection.answer(200, messages(found))
            return
        waiter = Waiter(connection, request)
        waiters = self._waiters.setdefault(request.queue, deque())
        waiters.append(waiter)
        waiter.timer = self.loop.call_later(request.wait_seconds, self._give_up, waiters, waiter)

    def _give_up(self, waiters: deque[Waiter], waiter: Waiter) -> None:
        waiters.remove(waiter)
        waiter.connection.answer(200, messages([]))

    def changed(self, name: str) -> None:
        """A queue has visible messages: serve those who wait, the longest wait first."""
        waiters = self._waiters.get(name, ())
        queue = self.api.queue(name)
        while waiters and queue.visible:
            waiter = waiters.popleft()
            if waiter.timer is not None:
                waiter.timer.cancel()
            if not waiter.connection.closed:
                waiter.connection.answer(200, messages(self.api.receive(waiter.request)))

    async def expire(self) -> None:
        """End visibility timeouts, for ever."""
        while True:
            await asyncio.sleep(EXPIRE_EVERY_SECONDS)
            for name, queue in self.api.queues.items():
                if queue.expire():
                    self.changed(name)


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection: requests with a Content-Length, one after the other."""

    def __init__(self, server: Server) -> None:
        self.closed = False
        self._server = server
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """The client is gone."""
        self.closed = True

    def data_received(self, data: bytes) -> None:
        """Take requests out of what has arrived."""
        data = self._data + data if self._data else data
        while data:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                break
            head = data[:end].lower()
            size = end + int(_header(head, b"content-length") or 0)
            if len(data) < size:
                break
            body, head_as_sent, data = data[end:size], data[:end], data[size:]
            if b"\r\nauthorization: aws4-hmac-sha256 " not in head:
                self.answer(403, UNSIGNED)
                continue
            # The name of the operation has capital letters.
            start = head.find(b"x-amz-target:")
            target = head_as_sent[start : head.find(b"\r", start)]
            self._server.handle(self, target.rpartition(b".")[2].decode().strip(), body)
        self._data = data

    def answer(self, status: int, body: bytes) -> None:
        """Send an answer, after the latency."""
        if self._server.latency:
            self._server.loop.call_later(self._server.latency, self._write, status, body)
        else:
            self._write(status, body)

    def _write(self, status: int, body: bytes) -> None:
        if self._transport is not None and not self.closed:
            self._transport.write(_head(status, len(body)) + body)


def _header(head: bytes, name: bytes) -> bytes:
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.find(b"\r", start)].strip()


class _Heads:
    """What precedes a body; the date changes once a second."""

    second = 0
    date = ""


def _head(status: int, size: int) -> bytes:
    second = int(time.time())
    if second != _Heads.second:
        _Heads.second, _Heads.date = second, formatdate(second, usegmt=True)
    return (
        f"HTTP/1.1 {status} {REASONS[status]}\r\n"
        "x-amzn-RequestId: 6bfb9ed0-2f4e-5c3a-9f3e-c0a7e1c5b6d1\r\n"
        f"Date: {_Heads.date}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {size}\r\nconnection: keep-alive\r\n\r\n"
    ).encode()


class Control:
    """Commands from whoever started the server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def obey(self, stream: asyncio.StreamReader) -> None:
        """Read and answer commands until there are no more."""
        while line := await stream.readline():
            command = json.loads(line)
            action = getattr(self, f"_do_{command.pop('do')}")
            print(json.dumps(await action(**command)), flush=True)

    async def _do_fill(self, queue: str, template: str, count: int, encode: bool) -> int:
        """Send messages from a template, in which `{n}` is the message's number of 12 digits."""
        bodies = (template.replace("{n}", f"{n:012d}") for n in range(count))
        if encode:
            bodies = (base64.b64encode(body.encode()).decode() for body in bodies)
        self._server.api.queue(queue).send(bodies)
        self._server.changed(queue)
        return count

    async def _do_wait(self, queue: str, deleted: int, seconds: float) -> bool:
        """Wait until so many messages are deleted; False when that takes too long."""
        waiting_for = self._server.api.queue(queue)
        deadline = self._server.loop.time() + seconds
        while waiting_for.deleted < deleted:
            left = deadline - self._server.loop.time()
            if left <= 0:
                return False
            self._server.progress.clear()
            try:
                await asyncio.wait_for(self._server.progress.wait(), min(left, 1.0))
            except TimeoutError:
                continue
        return True

    async def _do_latency(self, milliseconds: float) -> float:
        """From now on, delay every answer."""
        self._server.latency = milliseconds / 1000
        return milliseconds

    async def _do_state(self, queue: str) -> dict[str, Any]:
        """What became of a queue."""
        asked = self._server.api.queue(queue)
        return {
            "left": len(asked),
            "deleted": asked.deleted,
            "received_again": asked.received_again,
            "calls": dict(asked.calls),
            "processor_seconds": time.process_time(),
        }

    async def _do_take(self, queue: str) -> list[str]:
        """Take the bodies of all visible messages out of a queue."""
        asked = self._server.api.queue(queue)
        bodies = [message.body for message in asked.visible]
        asked.visible.clear()
        return bodies


async def serve(certificate: Path | None, key: Path | None, latency_ms: float) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
    server: Server
    listener = await loop.create_server(
        lambda: Connection(server), "127.0.0.1", 0, ssl=tls, backlog=512
    )
    port = listener.sockets[0].getsockname()[1]
    endpoint = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    server = Server(url=f"{endpoint}/{ACCOUNT}", latency=latency_ms / 1000)
    expire = asyncio.create_task(server.expire())
    print(json.dumps({"endpoint": endpoint, "queues": f"{endpoint}/{ACCOUNT}"}), flush=True)
    stream = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), sys.stdin)
    await Control(server).obey(stream)
    expire.cancel()


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.sqs_server", description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of every answer")
    parser.add_argument("--certificate", type=Path, help="serve TLS with this certificate (PEM)")
    parser.add_argument("--key", type=Path, help="its private key (PEM)")
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.certificate, options.key, options.latency_ms))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
