"""Call the deployed API as a signed client, and read the lines that the function writes."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.session import LocalAws

STACK = "Groundwork-dev-Functions"
POLL_SECONDS = 0.25
REQUEST_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    content: Any


class JobsApi:
    """The function `jobs` behind its API."""

    def __init__(self, aws: LocalAws) -> None:
        outputs = aws.outputs(STACK)
        self.arn = outputs["JobsFunctionArn"]
        self.name = self.arn.split(":")[6]
        self._url = outputs["ApiUrl"]
        self._region = aws.record().region
        self._aws = aws

    def call(
        self, method: str, path: str, content: Any = None, *, signed: bool = True, **headers: str
    ) -> Answer:
        """One request; headers by their names with underscores."""
        body = None if content is None else json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method=method, url=f"{self._url}{path}", data=body, headers=named)
        if signed:
            SigV4Auth(Credentials("test", "test"), "execute-api", self._region).add_auth(request)
        question = urllib.request.Request(
            request.url, data=body, method=method, headers=dict(request.headers)
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(question, timeout=REQUEST_SECONDS) as response:
                return Answer(response.status, json.loads(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.loads(error.read()))

    def lines(self, event: str, *, version: str | None = None) -> list[dict[str, Any]]:
        """The function's own lines of an event (`invocation`, `warm ping`), oldest first."""
        logs: Any = self._aws.client("logs")
        configuration = self._aws.client("lambda").get_function_configuration(
            FunctionName=self.name
        )
        group = configuration["LoggingConfig"]["LogGroup"]
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        parsed = [
            json.loads(each["message"])
            for page in pages
            for each in page["events"]
            if each["message"].startswith("{")
        ]
        return sorted(
            (
                each
                for each in parsed
                if each.get("event") == event and version in (None, each["version"])
            ),
            key=lambda each: int(each["_aws"]["Timestamp"]),
        )

    @property
    def version(self) -> str:
        """The version that the alias points at."""
        found = self._aws.client("lambda").get_alias(FunctionName=self.name, Name="live")
        return str(found["FunctionVersion"])


def wait_for(what: Callable[[], Any], *, timeout: float) -> Any:
    """The first true value of `what`. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {found!r} after {timeout:g} s")
        time.sleep(POLL_SECONDS)
