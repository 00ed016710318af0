"""Answers as they are made: server-sent events, the kinds of which are in chat/__init__.py.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import time

from chat.asking import AWS, answered
from edge.http_api import Problem, problem_answer, request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    class Answer(Protocol):
        """Where the answer is sent to."""

        begun: bool

        def begin(self, status: int, headers: Mapping[str, str]) -> None:
            """Status and headers."""

        def write(self, data: bytes) -> None:
            """The next piece."""


SECONDS_TO_ANSWER = 1.0
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}


def stream(event: dict[str, Any], context: Any, answer: Answer) -> None:
    """Answer one request. What goes wrong before the first event is a problem document with its
    status; afterwards it is an event.
    """
    AWS.give_up_at = (
        time.monotonic() + context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER
    )

    def tell(kind: str, content: Mapping[str, Any]) -> None:
        if not answer.begun:
            answer.begin(200, HEADERS)
        answer.write(event_of(kind, content))

    try:
        request = request_of(event)
        if request.method != "POST":
            raise Problem(405, "Method not allowed", "use POST", headers={"allow": "POST"})
        answered(event, request, tell=tell)
    except Problem as problem:
        refusal = problem_answer(problem)
        if answer.begun:
            answer.write(event_of("error", json.loads(refusal["body"])))
            return
        answer.begin(refusal["statusCode"], refusal["headers"])
        answer.write(refusal["body"].encode())


def event_of(kind: str, content: Mapping[str, Any]) -> bytes:
    """One event; JSON has no line breaks, so it is one line of data."""
    return f"event: {kind}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


class Whole:
    """An answer that is kept until it is complete."""

    def __init__(self) -> None:
        self.begun = False
        self.status = 204
        self.headers: Mapping[str, str] = {}
        self.body = b""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers."""
        self.begun, self.status, self.headers = True, status, headers

    def write(self, data: bytes) -> None:
        """The next piece."""
        self.body += data


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The same events at once, for a runtime that returns answers as a whole."""
    whole = Whole()
    stream(event, context, whole)
    return {
        "statusCode": whole.status,
        "headers": dict(whole.headers),
        "body": whole.body.decode(),
    }
