"""Requests and answers of an API Gateway HTTP API, payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
Lambda function URLs use the same format. Errors are problem documents (RFC 9457).
"""

from __future__ import annotations

import binascii
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


class Request:
    """What a handler needs of an event. `path` holds the segments, without the stage's name."""

    __slots__ = ("body", "caller", "headers", "method", "path")

    def __init__(
        self,
        *,
        method: str,
        path: Sequence[str],
        headers: Mapping[str, str],
        body: bytes,
        caller: str,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.caller = caller


class Problem(Exception):  # noqa: N818 - an answer, not an error of the program
    """An answer that is not what the caller hoped for."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def request_of(event: Mapping[str, Any]) -> Request:
    """Read an event. Raises Problem for an event of another format or a body that is not base64."""
    context = event.get("requestContext") or {}
    http = context.get("http") if isinstance(context, dict) else None
    if event.get("version") != "2.0" or not isinstance(http, dict) or "method" not in http:
        raise Problem(
            400,
            "Not a request",
            "the event is not in payload format 2.0; invoke the function through its API",
        )
    path = str(event.get("rawPath") or "/")
    stage = context.get("stage") or "$default"
    if stage != "$default":
        path = path.removeprefix(f"/{stage}")
    text = event.get("body") or ""
    try:
        body = (
            binascii.a2b_base64(text, strict_mode=True)
            if event.get("isBase64Encoded")
            else text.encode()
        )
    except (ValueError, AttributeError) as error:
        raise Problem(400, "Unreadable body", f"body: {error}; send UTF-8") from None
    return Request(
        method=str(http["method"]),
        path=[segment for segment in path.split("/") if segment],
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=body,
        caller=_caller(context.get("authorizer")),
    )


def answer(
    status: int, content: object, *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A JSON answer."""
    return _response(status, content, "application/json", headers or {})


def problem_answer(problem: Problem) -> dict[str, Any]:
    """The answer for a Problem."""
    content: dict[str, object] = {
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        content["errors"] = list(problem.errors)
    return _response(problem.status, content, "application/problem+json", problem.headers)


def _response(
    status: int, content: object, kind: str, headers: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": kind, "cache-control": "no-store", **headers},
        "body": json.dumps(content),
    }


def _caller(authorizer: object) -> str:
    """Who calls, as the API's authorizer knows it: an IAM principal, a token's subject, or ''."""
    if not isinstance(authorizer, dict):
        return ""
    iam, jwt = authorizer.get("iam"), authorizer.get("jwt")
    if isinstance(iam, dict):
        return str(iam.get("userArn") or "")
    if isinstance(jwt, dict) and isinstance(jwt.get("claims"), dict):
        claims = jwt["claims"]
        return f"{claims.get('iss', '')} {claims.get('sub', '')}".strip()
    return ""
