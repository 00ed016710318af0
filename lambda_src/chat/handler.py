"""The function behind `POST /chat`. What it reads from its environment is in chat/__init__.py."""

from __future__ import annotations

import time

from chat.asking import AWS, answered, prepare
from edge.http_api import Problem, answer, problem_answer, request_of
from edge.keep_warm import keep_warm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECONDS_TO_ANSWER = 0.5


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; whatever goes wrong becomes a problem document."""
    seconds_left = context.get_remaining_time_in_millis() / 1000
    AWS.give_up_at = time.monotonic() + seconds_left - SECONDS_TO_ANSWER
    try:
        request = request_of(event)
        match request.method, *request.path:
            case "POST", "chat":
                return answer(200, answered(event, request))
            case _, "chat":
                raise Problem(405, "Method not allowed", "use POST", headers={"allow": "POST"})
            case _:
                raise Problem(404, "No such path", "use POST /chat")
    except Problem as problem:
        return problem_answer(problem)


handler = keep_warm(handle, prepare=prepare)
