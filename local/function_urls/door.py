"""The door of function URLs that stream: each piece of an answer is passed on as it comes.

MiniStack looks up the function, makes the event, invokes and counts. Where the URL's mode is
RESPONSE_STREAM and the package brings a program for the Runtime API, that program is asked instead
of the handler, and the client is answered while MiniStack still waits for the invocation's end.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html

What fails before the first byte is a 502. Afterwards the answer breaks off, as its status is long
sent. A client that hangs up does not stop the function.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.function_urls.environments import Environments, speaks_runtime_api
from local.function_urls.runtime_api import BINARY, FunctionError, Invocation, Moment

INTEGRATION = "application/vnd.awslambda.http-integration-response"
SEPARATOR = bytes(8)
Piece = str | bytes | Moment
Response = tuple[int, dict[str, Any], Any]
Result = dict[str, Any]


@dataclass(frozen=True)
class Head:
    """Status and headers of an answer."""

    status: int
    headers: dict[str, Any]


class Over(enum.Enum):
    """The invocation has ended, however it did."""

    OVER = enum.auto()


class Answer:
    """On its way from the thread that invokes to the engine's loop."""

    def __init__(self, function_arn: str) -> None:
        self.function_arn = function_arn
        self.request_id = ""
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue[Head | Piece | Over] = asyncio.Queue()

    def tell(self, told: Head | Piece) -> None:
        """From the thread."""
        self._loop.call_soon_threadsafe(self._told.put_nowait, told)

    def over(self, _invocation: object) -> None:
        """On the loop, behind all that was told."""
        self._told.put_nowait(Over.OVER)

    async def head(self) -> Head | None:
        """Status and headers; None when the invocation ended without any."""
        told = await self._told.get()
        return told if isinstance(told, Head) else None

    async def pass_on(self, send: Any, _receive: Any) -> None:
        """The body. Without a last frame the client sees that it is not complete."""
        while isinstance(told := await self._told.get(), bytes):
            await send({"type": "http.response.body", "body": told, "more_body": True})
        if told is Moment.COMPLETE:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


_ANSWER: contextvars.ContextVar[Answer | None] = contextvars.ContextVar("answer", default=None)


def register(environments: Environments) -> None:
    """Stand before MiniStack's own door, and where it runs a function's code."""
    from ministack.services import lambda_svc

    lambda_svc.handle_function_url_request = _door(lambda_svc.handle_function_url_request)
    for name in ("_execute_function_warm", "_execute_function_provided_warm"):
        setattr(lambda_svc, name, _runs(environments, getattr(lambda_svc, name)))
    stock = lambda_svc.invalidate_worker

    def invalidate(name: str, qualifier: str | None = None, **scope: str | None) -> None:
        environments.forget(name, qualifier)
        stock(name, qualifier, **scope)

    lambda_svc.invalidate_worker = invalidate


def _door(stock: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.core.responses import StreamingResponse
    from ministack.services import lambda_svc

    async def handle(
        url: str, method: str, path: str, headers: Any, *rest: Any, resolved: Any = None, **by: Any
    ) -> Response:
        resolved = resolved or lambda_svc.resolve_function_url(url)
        asked = functools.partial(stock, url, method, path, headers, *rest, resolved=resolved, **by)
        function = _streaming(resolved)
        if function is None:
            return await asked()  # type: ignore[no-any-return]
        answer = Answer(function)
        context = contextvars.copy_context()
        context.run(_ANSWER.set, answer)
        invoked = asyncio.get_running_loop().create_task(asked(), context=context)
        invoked.add_done_callback(answer.over)
        head = await answer.head()
        if head is None:
            return _whole(await invoked)
        allowed = lambda_svc._function_url_cors_headers(resolved[-1], headers)
        said = {**head.headers, **allowed, "x-amzn-RequestId": answer.request_id}
        return head.status, said, StreamingResponse(answer.pass_on)

    return handle


def _streaming(resolved: Any) -> str | None:
    """The ARN that is invoked, if its answers stream."""
    from ministack.services import lambda_svc

    if resolved is None or resolved[-1].get("InvokeMode") != "RESPONSE_STREAM":
        return None
    account, region, name, qualifier, _ = resolved
    function = ":".join(filter(None, (name, qualifier)))
    _, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
        function, account_id=account, region=region
    )
    if not config or not speaks_runtime_api(config):
        return None
    return f"arn:aws:lambda:{region}:{account}:function:{function}"


def _whole(response: Response) -> Response:
    """What MiniStack answers; of an error it says more than a function URL does."""
    status, headers, body = response
    return status, headers, b"Internal Server Error" if status == 502 else body


def _runs(environments: Environments, stock: Callable[..., Result]) -> Callable[..., Result]:
    def run(function: Any, event: Any, request_id: str) -> Result:
        answer = _ANSWER.get()
        if answer is None:
            return stock(function, event, request_id)
        _ANSWER.set(None)  # what this invocation causes answers somebody else
        answer.request_id = event["requestContext"]["requestId"]
        config = function["config"]
        log = ""
        try:
            with environments.lent(config, function["code_zip"]) as environment:
                try:
                    told = environment.invoke(_invocation(config, event, request_id, answer))
                    for each in _read(told):
                        answer.tell(each)
                finally:
                    log = environment.lines()
        except FunctionError as error:
            failed = {"errorMessage": str(error), "errorType": error.kind}
            log += f"RequestId: {request_id} Error: {error}\n{error.kind}"
            return {"error": True, "body": failed, "log": log}
        return {"body": None, "log": log}

    return run


def _invocation(
    config: Mapping[str, Any], event: Any, request_id: str, answer: Answer
) -> Invocation:
    from ministack.services import lambda_svc

    return Invocation(
        event=json.dumps(event).encode(),
        request_id=request_id,
        function_arn=answer.function_arn,
        trace_id=lambda_svc._xray_trace_id_for_invocation(config) or "",
        seconds=float(config.get("Timeout", 3)),
    )


def _read(told: Iterator[Piece]) -> Iterator[Head | Piece]:
    """Head, pieces and end. Of an HTTP answer the head comes first, before eight zero bytes.

    https://docs.aws.amazon.com/lambda/latest/dg/response-streaming-tutorial.html
    """
    content_type = next(told)
    if content_type != INTEGRATION:
        yield Head(200, {"Content-Type": content_type})
        yield from told
        return
    rest = b""
    while SEPARATOR not in rest:
        piece = next(told)
        if not isinstance(piece, bytes):
            raise FunctionError("Runtime.InvalidResponse", "the answer has no status and headers")
        rest += piece
    prelude, _, rest = rest.partition(SEPARATOR)
    yield _head(prelude)
    if rest:
        yield rest
    yield from told


def _head(prelude: bytes) -> Head:
    try:
        content = json.loads(prelude)
        headers = {str(name): str(value) for name, value in content.get("headers", {}).items()}
        status = int(content.get("statusCode", 200))
    except (ValueError, AttributeError) as error:
        raise FunctionError("Runtime.InvalidResponse", f"no status and headers: {error}") from None
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = BINARY
    cookies = {"Set-Cookie": list(content["cookies"])} if content.get("cookies") else {}
    return Head(status, {**headers, **cookies})
