"""Credentials from the environment and, with SnapStart, from the local endpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from edge.credentials import CredentialSource
from edge.errors import AwsError
from tests.lambdas.scripted_server import Answer, ScriptedServer

NOW = 1_800_000_000.0


def keys(name: str, *, expires: float) -> Answer:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
    return Answer(
        content={
            "AccessKeyId": name,
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": moment,
        }
    )


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def source(server: ScriptedServer, clock: Clock, **environ: str) -> CredentialSource:
    url = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/role?v=2"}
    return CredentialSource({**url, **environ}, clock=clock, sleep=lambda _: None)


def test_the_environment_comes_first() -> None:
    found = CredentialSource(
        {
            "AWS_ACCESS_KEY_ID": "A",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_SESSION_TOKEN": "t",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
        }
    ).current()
    assert (found.access_key, found.secret_key, found.token) == ("A", "s", "t")
    assert found.expires is None


def test_the_endpoint_is_asked_once_and_again_before_the_keys_expire() -> None:
    clock = Clock()
    answers = [keys("one", expires=NOW + 3600), keys("two", expires=NOW + 7200)]
    with ScriptedServer(*answers) as server:
        found = source(server, clock, AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic abc")
        assert [found.current().access_key for _ in range(3)] == ["one"] * 3
        (asked,) = server.asked
        assert (asked.path, asked.headers["authorization"]) == ("/role?v=2", "Basic abc")
        clock.now += 3600 - 299
        assert found.current().access_key == "two"
        assert found.current().expires == NOW + 7200


def test_keys_that_still_work_survive_an_endpoint_that_is_down() -> None:
    clock = Clock()
    down: list[Any] = [Answer(status=500)] * 3
    with ScriptedServer(keys("one", expires=NOW + 3600), *down, *down) as server:
        found = source(server, clock)
        found.current()
        clock.now += 3500
        assert found.current().access_key == "one"
        clock.now += 101
        with pytest.raises(AwsError, match=r"NoCredentials.*status 500"):
            found.current()


def test_the_endpoint_is_tried_again() -> None:
    with ScriptedServer(
        Answer(cut=True), Answer(content=b"no json"), keys("one", expires=NOW + 3600)
    ) as server:
        assert source(server, Clock()).current().access_key == "one"


def test_renew_asks_again() -> None:
    answers = [keys("one", expires=NOW + 3600), keys("two", expires=NOW + 3600)]
    with ScriptedServer(*answers) as server:
        found = source(server, Clock())
        found.current()
        found.renew()
        assert found.current().access_key == "two"


def test_the_token_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    with ScriptedServer(keys("one", expires=NOW + 3600)) as server:
        source(
            server, Clock(), AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(tmp_path / "token")
        ).current()
        assert server.asked[0].headers["authorization"] == "from a file"


def test_keys_are_not_fetched_in_clear_from_elsewhere() -> None:
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/keys"}
    with pytest.raises(AwsError, match="use https or a local host"):
        CredentialSource(environ).current()


def test_without_any_the_error_says_what_to_set() -> None:
    with pytest.raises(AwsError, match="give the function a role, or set the keys"):
        CredentialSource({}).current()
