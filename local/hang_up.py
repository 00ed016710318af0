"""Notice when the client of a long poll hangs up, so that no messages go to a dead connection.

A worker that is killed in the middle of a long poll would otherwise be given messages, which stay
hidden for a whole visibility timeout. SQS can do that too, but seldom; a local engine that did it
on every kill would teach the wrong lesson.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from local.asgi import Asgi
from local.sqs_speed import hung_up

LONG_POLL = (b"x-amz-target", b"AmazonSQS.ReceiveMessage")


class HangUps:
    """An ASGI application that watches the connection while a ReceiveMessage waits."""

    def __init__(self, inner: Asgi) -> None:
        self._inner = inner

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one connection's scope."""
        if scope["type"] != "http" or LONG_POLL not in scope["headers"]:
            await self._inner(scope, receive, send)
            return
        watched = _Watched(receive)
        token = hung_up.set(lambda: watched.gone)
        try:
            await self._inner(scope, watched.receive, send)
        finally:
            hung_up.reset(token)
            watched.end()


class _Watched:
    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None
        self.gone = False

    async def receive(self) -> Any:
        message = await self._receive()
        if not message.get("more_body"):
            self._watch = asyncio.create_task(self._await_end())
        return message

    def end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    async def _await_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
