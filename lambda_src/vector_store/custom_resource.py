"""CloudFormation's side of a custom resource: one request, one answer to a presigned URL.

Whatever happens, an answer is sent: without one CloudFormation waits for an hour.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import http.client
import json
import random
import time
from urllib.parse import urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Properties = Mapping[str, Any]
    Outcome = tuple[str, Mapping[str, str]]

SPARE_SECONDS = 20.0
"""What is left of the invocation's time for telling CloudFormation."""
LONGEST_REASON = 1000
NEVER_CREATED = "nothing-was-created"


class RefusedError(Exception):
    """The resource cannot be made; the message says why, and what to do about it."""


class Deadline:
    """Until when waiting is worth while."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds."""
        return self._end - self._clock()

    def pause(self, attempt: int) -> bool:
        """Wait before another attempt, longer each time up to 15 seconds; False at the end."""
        wait = min(15.0, 1.5**attempt) * (0.5 + random.random() / 2)
        if wait >= self.left:
            return False
        self._sleep(wait)
        return True


def answer(
    event: Properties, work: Callable[[Deadline], Outcome], *, seconds: float
) -> dict[str, Any]:
    """Do the work, and say what came of it in CloudFormation's words."""
    identifier = str(event.get("PhysicalResourceId", NEVER_CREATED))
    said: dict[str, Any] = {
        name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")
    }
    try:
        identifier, attributes = work(Deadline(max(1.0, seconds - SPARE_SECONDS)))
        said.update(Status="SUCCESS", Data=dict(attributes))
    except Exception as error:
        reason = (
            str(error) if isinstance(error, RefusedError) else f"{type(error).__name__}: {error}"
        )
        said.update(Status="FAILED", Reason=reason[:LONGEST_REASON])
    return {**said, "PhysicalResourceId": identifier}


def send(url: str, said: Mapping[str, Any]) -> None:
    """Put the answer where CloudFormation waits for it; the URL is signed for no content type."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=30)
    try:
        connection.request("PUT", f"{parts.path}?{parts.query}", body=json.dumps(said).encode())
        connection.getresponse().read()
    finally:
        connection.close()
