"""The fault door."""

from __future__ import annotations

import time
import urllib.error
from http.client import RemoteDisconnected
from typing import Any

import pytest

from local.engine_parts import ControlError
from local.session import LocalAws
from tests.appsync.clients import Api, Socket

pytestmark = pytest.mark.xdist_group("appsync")


def test_requests_are_refused_a_number_of_times(api: Api, aws: LocalAws) -> None:
    aws.control("appsync/refuse", status=503, times=2)
    assert [api.send(b"{}").status for _ in range(3)] == [503, 503, 400]


def test_requests_are_refused_for_a_while(api: Api, aws: LocalAws) -> None:
    aws.control("appsync/refuse", status=500, seconds=60)
    assert api.ask("{ keyOnly }").status == 500
    aws.control("appsync/reset")
    assert api.ask("{ keyOnly }").status == 200


def test_requests_are_cut(api: Api, aws: LocalAws) -> None:
    aws.control("appsync/refuse", status=0, times=1)
    with pytest.raises((ConnectionResetError, RemoteDisconnected, urllib.error.URLError)):
        api.ask("{ keyOnly }")
    assert api.ask("{ keyOnly }").status == 200


def test_requests_are_delayed(api: Api, aws: LocalAws) -> None:
    aws.control("appsync/latency", seconds=0.2)
    start = time.monotonic()
    api.ask("{ keyOnly }")
    assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize("code", [None, 1001])
def test_connections_are_dropped(
    aws: LocalAws, api: Api, outputs: dict[str, str], code: int | None
) -> None:
    key = {"x-api-key": outputs["Key"]}
    with Socket(outputs["Realtime"], key) as socket:
        socket.begin()
        assert aws.control("status")["appsync"]["connections"] >= 1
        request: dict[str, Any] = {} if code is None else {"code": code}
        assert aws.control("appsync/drop", **request)["dropped"] >= 1
        assert socket.hear() == {"type": "closed", "code": code}


def test_connections_are_refused_for_a_while(
    aws: LocalAws, api: Api, outputs: dict[str, str]
) -> None:
    aws.control("appsync/drop", refuse_seconds=60)
    with pytest.raises(AssertionError, match="Reject"):
        Socket(outputs["Realtime"], {"x-api-key": outputs["Key"]})
    aws.control("appsync/reset")
    Socket(outputs["Realtime"], {"x-api-key": outputs["Key"]}).__exit__()


@pytest.mark.parametrize(
    ("control", "request_"),
    [
        ("refuse", {"status": 200, "times": 1}),
        ("refuse", {"status": 500}),
        ("refuse", {"status": 500, "times": 1, "seconds": 1}),
        ("latency", {"seconds": -1}),
        ("latency", {"seconds": "soon"}),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    aws: LocalAws, control: str, request_: dict[str, Any]
) -> None:
    with pytest.raises(ControlError):
        aws.control(f"appsync/{control}", **request_)


def test_the_apis_are_listed(aws: LocalAws, api: Api, outputs: dict[str, str]) -> None:
    listed = {each["id"]: each for each in aws.control("appsync/apis")["apis"]}
    assert listed[outputs["Api"]]["graphql"] == api.url
    assert listed[outputs["Api"]]["realtime"] == outputs["Realtime"]
    assert outputs["Key"] in listed[outputs["Api"]]["keys"]
