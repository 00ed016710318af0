"""AWS's JSON 1.0 protocol, as SQS and DynamoDB speak it.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

from __future__ import annotations

import json
from typing import Any

from worker.http_connection import Response
from worker.signed_http import READ_TIMEOUT_SECONDS, SignedHttp

CONTENT_TYPE = "application/x-amz-json-1.0"


class JsonApi:
    """Calls of one service."""

    def __init__(self, http: SignedHttp, *, target_prefix: str) -> None:
        self.http = http
        self._prefix = target_prefix
        self._headers: dict[str, dict[str, str]] = {}

    def call(
        self,
        operation: str,
        body: bytes,
        *,
        body_sha256: str | None = None,
        read_timeout: float = READ_TIMEOUT_SECONDS,
        attempts: int | None = None,
    ) -> dict[str, Any]:
        """Call an operation with an encoded body and return the parsed answer. Raises AwsError."""
        headers = self._headers.get(operation)
        if headers is None:
            headers = self._headers[operation] = {
                "content-type": CONTENT_TYPE,
                "x-amz-target": f"{self._prefix}.{operation}",
            }
        response = self.http.request(
            "POST",
            "/",
            headers=headers,
            body=body,
            body_sha256=body_sha256,
            read_timeout=read_timeout,
            attempts=attempts,
        )
        answer: dict[str, Any] = json.loads(response.body) if response.body else {}
        return answer


def parse_json_error(response: Response) -> tuple[str, str]:
    """Code and message of an error response.

    The code is in `__type` behind a `#`, or in the header x-amzn-errortype before a `:`. Services
    that used to speak the query protocol may put the old code in x-amzn-query-error.
    """
    try:
        content = json.loads(response.body) if response.body else {}
    except ValueError:
        content = {}
    if not isinstance(content, dict):
        content = {}
    code = str(
        content.get("__type")
        or content.get("code")
        or response.headers.get("x-amzn-errortype")
        or response.status
    )
    code = code.split(":", 1)[0].rsplit("#", 1)[-1]
    message = content.get("message") or content.get("Message") or ""
    return code, str(message)
