"""Bedrock's endpoint, in front of MiniStack on the engine's port.

What is played here is answered here, and nothing of it ever reaches MiniStack's canned texts. What
MiniStack would answer with invented text and is not played is refused by name; control plane
operations go on to MiniStack.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.asgi import Asgi, answer, begin, header_map, whole_body
from local.bedrock.answers import Answer, Stream
from local.bedrock.errors import BedrockError, invalid
from local.bedrock.event_stream import CONTENT_TYPE, exception
from local.bedrock.faults import Faults
from local.bedrock.wire import Request, read_models, request, route

THREADS = 16
# MiniStack answers these with text that no model wrote, or with scores that nothing measured.
INVENTED = frozenset(
    {
        "CountTokens",
        "GenerateQuery",
        "InvokeAgent",
        "InvokeFlow",
        "InvokeInlineAgent",
        "OptimizePrompt",
        "StartAsyncInvoke",
    }
)
CHAT_COMPLETIONS = "/v1/chat/completions"
Operation = Callable[[Request], Answer | Stream]
logger = logging.getLogger("groundwork.bedrock")


class Door:
    """An ASGI application that answers for Bedrock and passes everything else on."""

    def __init__(self, inner: Asgi, operations: Mapping[str, Operation], faults: Faults) -> None:
        self._inner = inner
        self._operations = operations
        self._faults = faults
        self._models_read = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bedrock")

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one connection's scope."""
        if scope["type"] != "http" or not _for_bedrock(scope):
            await self._inner(scope, receive, send)
            return
        path = scope.get("raw_path", scope["path"].encode()).decode()
        if not self._models_read:  # takes a good part of a second, once
            await self._in_thread(read_models)
            self._models_read = True
        found = route(scope["method"], path)
        named = found.operation if found else ""
        if scope["path"] == CHAT_COMPLETIONS:
            named = "ChatCompletions"
        elif named not in self._operations and named not in INVENTED:
            await self._inner(scope, receive, send)
            return
        body = await whole_body(receive)
        headers = header_map(scope)

        def work() -> Answer | Stream:
            if found is None or named in INVENTED:
                raise invalid(f"{named} is not played by the local AWS; see docs/fidelity.md")
            self._faults.meet(named)
            asked = request(found, scope.get("query_string", b"").decode(), headers, body)
            return self._operations[named](asked)

        try:
            outcome = await self._in_thread(work)
        except BedrockError as error:
            await _refuse(send, error)
            return
        except Exception:
            logger.exception("%s failed", named)
            await _refuse(send, BedrockError("InternalServerException", "see engine.log"))
            return
        if isinstance(outcome, Stream):
            await self._stream(send, outcome)
        else:
            content = json.dumps(outcome.content, ensure_ascii=False, default=str).encode()
            await _send(send, outcome.status, content, outcome.headers)

    async def _stream(self, send: Any, stream: Stream) -> None:
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[bytes] = asyncio.Queue()

        def emit(event: bytes) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        def run() -> None:
            try:
                stream.run(emit)
            except BedrockError as error:
                emit(exception(error.kind, error.message))
            except Exception:
                logger.exception("a stream failed")
                emit(exception("InternalServerException", "see engine.log"))
            finally:
                emit(b"")

        running = asyncio.ensure_future(self._in_thread(run))
        headers = {"content-type": CONTENT_TYPE, **stream.headers, **_request_id()}
        await begin(send, 200, headers)
        while event := await events.get():
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await running
        await send({"type": "http.response.body", "body": b""})

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: context.run(work)
        )


def _for_bedrock(scope: Mapping[str, Any]) -> bool:
    """Whether it is signed for Bedrock, whose four services share one name in signatures.

    Their paths could be a bucket's; requests of S3 are signed for S3.
    """
    if scope["path"] == CHAT_COMPLETIONS:
        return True
    for name, value in scope["headers"]:
        if name == b"authorization":
            return b"/bedrock/aws4_request" in value or value.startswith(b"Bearer bedrock-api-key")
    return False


async def _refuse(send: Any, error: BedrockError) -> None:
    content = json.dumps({"message": error.message}, ensure_ascii=False).encode()
    await _send(send, error.status, content, {"x-amzn-errortype": error.kind})


async def _send(send: Any, status: int, content: bytes, headers: Mapping[str, str]) -> None:
    named = {"content-type": "application/json", **headers, **_request_id()}
    await answer(send, status, content, named)


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}
