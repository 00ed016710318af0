"""The function in a process of its own, asked as an HTTP API asks it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from edge.http_api import Problem, request_of
from edge.keep_warm import ping
from tests.lambdas.copies import Function
from tests.lambdas.local_aws import LocalAws

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")


@pytest.fixture(scope="module")
def function(local_aws: LocalAws) -> Iterator[Function]:
    with Function(
        "jobs.handler.handler",
        **local_aws.environment,
        JOBS_TABLE=local_aws.make_table(),
        QUEUE_URL=local_aws.make_queue(),
    ) as function:
        yield function


def http(method: str, path: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        **({"body": body} if body is not None else {}),
        "isBase64Encoded": False,
    }


def test_a_job_is_submitted_and_shown(function: Function) -> None:
    body = json.dumps({"documents": [{"key": "a.pdf"}]})
    answer = function.invoke(http("POST", "/jobs", body, Idempotency_Key="k-1"))
    assert answer["statusCode"] == 202
    job = json.loads(answer["body"])
    assert answer["headers"]["location"] == f"/jobs/{job['job']}"
    assert function.invoke(http("POST", "/jobs", body, Idempotency_Key="k-1")) == answer
    shown = function.invoke(http("GET", f"/jobs/{job['job']}"))
    assert shown["statusCode"] == 200 and json.loads(shown["body"])["total"] == 1


def test_a_base64_body_is_read(function: Function) -> None:
    body = base64.b64encode(b'{"documents":[{"key":"b.pdf"}]}').decode()
    answer = function.invoke({**http("POST", "/jobs", body), "isBase64Encoded": True})
    assert answer["statusCode"] == 202


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/jobs", 405), ("DELETE", "/jobs/1", 405), ("GET", "/", 404), ("GET", "/x/y/z", 404),
     ("GET", "/jobs/none", 404), ("POST", "/jobs", 400)],
)  # fmt: skip
def test_mistakes_are_problem_documents(
    function: Function, method: str, path: str, status: int
) -> None:
    answer = function.invoke(http(method, path))
    assert answer["statusCode"] == status
    assert answer["headers"]["content-type"] == "application/problem+json"
    problem = json.loads(answer["body"])
    assert problem["status"] == status and problem["title"] and problem["detail"]


def test_a_ping_has_no_side_effect(function: Function) -> None:
    answer = function.invoke(ping(number=1, of=1, hold_ms=0))
    assert answer["groundwork"]["warm"]["cold"] is False


def test_an_outage_is_an_answer_and_a_log_line() -> None:
    with Function(
        "jobs.handler.handler",
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        JOBS_TABLE="t",
        QUEUE_URL="q",
    ) as function:
        answer = function.invoke(http("POST", "/jobs", '{"documents":[{"key":"a"}]}'))
        assert answer["statusCode"] == 503 and "retry-after" in answer["headers"]
        (line,) = [line for line in function.log if line["event"] == "AWS call failed"]
        assert line["code"] == "ConnectionError" and line["level"] == "ERROR"


def test_an_event_of_another_kind_is_refused() -> None:
    for event in ({}, {"version": "1.0"}, {"version": "2.0", "requestContext": {"http": {}}}):
        with pytest.raises(Problem, match=r"payload format 2\.0"):
            request_of(event)


def test_the_name_of_a_stage_is_no_part_of_the_path() -> None:
    event = http("GET", "/jobs/1")
    event["requestContext"]["stage"] = "v1"
    event["rawPath"] = "/v1/jobs/1"
    assert request_of(event).path == ["jobs", "1"]


@pytest.mark.parametrize(
    ("authorizer", "caller"),
    [
        (None, ""),
        ({"iam": {"userArn": "arn:aws:iam::1:user/a"}}, "arn:aws:iam::1:user/a"),
        ({"jwt": {"claims": {"iss": "https://i", "sub": "s"}}}, "https://i s"),
        ({"lambda": {"x": 1}}, ""),
    ],
)
def test_the_caller_is_whom_the_authorizer_names(authorizer: Any, caller: str) -> None:
    event = http("GET", "/jobs/1")
    event["requestContext"]["authorizer"] = authorizer
    assert request_of(event).caller == caller


def test_a_body_that_is_no_base64_is_refused() -> None:
    with pytest.raises(Problem, match="Unreadable body"):
        request_of({**http("POST", "/jobs", "?"), "isBase64Encoded": True})
