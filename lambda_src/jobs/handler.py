"""The function behind `POST /jobs` and `GET /jobs/{id}`.

Environment: JOBS_TABLE, QUEUE_URL, JOBS_KEEP_DAYS (how long a job can be asked for).
"""

from __future__ import annotations

import os
import time

from edge import json_log
from edge.aws import Aws
from edge.errors import AwsError
from edge.http_api import Problem, Request, answer, problem_answer, request_of
from edge.keep_warm import keep_warm
from jobs.requests import idempotency_key_of, submission_of
from jobs.service import Jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECONDS_PER_DAY = 86_400
SECONDS_TO_ANSWER = 0.5

AWS = Aws().prepare("dynamodb", "sqs")


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; whatever goes wrong becomes a problem document."""
    seconds_left = context.get_remaining_time_in_millis() / 1000
    AWS.give_up_at = time.monotonic() + seconds_left - SECONDS_TO_ANSWER
    try:
        return _answer(request_of(event), seconds_left=seconds_left)
    except Problem as problem:
        return problem_answer(problem)
    except AwsError as error:
        json_log.write("AWS call failed", level="ERROR", code=error.code, error=str(error))
        return problem_answer(
            Problem(
                503,
                "Unavailable",
                f"{error.code}; try again later, with the same Idempotency-Key",
                headers={"retry-after": "5"},
            )
        )


def _answer(request: Request, *, seconds_left: float) -> dict[str, Any]:
    jobs = Jobs(
        AWS.call,
        table=os.environ["JOBS_TABLE"],
        queue_url=os.environ["QUEUE_URL"],
        keep_seconds=float(os.environ.get("JOBS_KEEP_DAYS", "14")) * SECONDS_PER_DAY,
    )
    match request.method, *request.path:
        case "POST", "jobs":
            content = jobs.submit(
                submission_of(request.body),
                caller=request.caller,
                idempotency_key=idempotency_key_of(request.headers),
                seconds_left=seconds_left,
            )
            return answer(202, content, headers={"location": f"/jobs/{content['job']}"})
        case "GET", "jobs", id_:
            return answer(200, jobs.progress(id_))
        case _, "jobs":
            raise Problem(405, "Method not allowed", "use POST", headers={"allow": "POST"})
        case _, "jobs", _:
            raise Problem(405, "Method not allowed", "use GET", headers={"allow": "GET"})
        case _:
            raise Problem(404, "No such path", "use POST /jobs or GET /jobs/{id}")


handler = keep_warm(handle)
