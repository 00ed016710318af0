"""Call the deployed API of jobs, and read the lines that its function writes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from local.session import LocalAws
from local.signed_api import SignedApi

STACK = "Groundwork-dev-Functions"
POLL_SECONDS = 0.25


class JobsApi(SignedApi):
    """The function `jobs` behind its API."""

    def __init__(self, aws: LocalAws) -> None:
        outputs = aws.outputs(STACK)
        super().__init__(outputs["ApiUrl"], region=aws.record().region)
        self.arn = outputs["JobsFunctionArn"]
        self.name = self.arn.split(":")[6]
        self._aws = aws

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
