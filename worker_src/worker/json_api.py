"""AWS's JSON 1.0 protocol, as SQS and DynamoDB speak it.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

from __future__ import annotations

import json
from typing import Any

from worker.aws import AwsError
from worker.http_connection import Response
from worker.signed_http import READ_TIMEOUT_SECONDS, SignedHttp, Template

CONTENT_TYPE = "application/x-amz-json-1.0"


class JsonApi:
    """Calls of one service."""

    def __init__(self, http: SignedHttp, *, target_prefix: str) -> None:
        self.http = http
        self._prefix = target_prefix
        self._templates: dict[str, Template] = {}

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
        template = self._templates.get(operation)
        if template is None:
            headers = {"content-type": CONTENT_TYPE, "x-amz-target": f"{self._prefix}.{operation}"}
            template = self._templates[operation] = Template("POST", "/", headers=headers)
        response = self.http.request(
            template,
            body=body,
            body_sha256=body_sha256,
            read_timeout=read_timeout,
            attempts=attempts,
        )
        try:
            answer = json.loads(response.body) if response.body else {}
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise unexpected_answer(response.status, f"{operation}: the answer is no JSON object")
        return answer


def unexpected_answer(status: int, message: str) -> AwsError:
    """The error for an answer that the service's model does not allow."""
    return AwsError("UnexpectedAnswer", status, message, True)


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
