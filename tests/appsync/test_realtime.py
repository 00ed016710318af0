"""Subscriptions over the realtime protocol.

https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.cdk import ACCESS_KEY, SECRET_KEY
from local.session import LocalAws
from tests.appsync.clients import Api, Socket

pytestmark = pytest.mark.xdist_group("appsync")
CREATED = (
    "subscription S($owner: String) { onCreateMerged(owner: $owner) { id name owner _version } }"
)
UPDATED = "subscription S($minimum: Int) { onUpdateMerged(minimum: $minimum) { id name jersey } }"


@pytest.fixture
def key(api: Api, outputs: dict[str, str]) -> dict[str, str]:
    """The authorization header of the key."""
    return {"host": urlsplit(api.url).netloc, "x-api-key": outputs["Key"]}


@pytest.fixture
def client(outputs: dict[str, str], key: dict[str, str]) -> Iterator[Socket]:
    """A connection that is acknowledged."""
    with Socket(outputs["Realtime"], key) as socket:
        socket.begin()
        yield socket


def test_the_handshake(outputs: dict[str, str], key: dict[str, str]) -> None:
    assert outputs["Realtime"] == outputs["Url"].replace("http", "ws") + "/realtime"
    with Socket(outputs["Realtime"], key) as socket:
        assert socket.subprotocol == "graphql-ws"
        socket.begin()
        assert socket.hear(skip=()) == {"type": "ka"}


def test_the_header_may_come_in_the_query(outputs: dict[str, str], key: dict[str, str]) -> None:
    with Socket(outputs["Realtime"], key, in_query=True) as socket:
        socket.begin()


@pytest.mark.parametrize(
    ("authorization", "code"),
    [({"x-api-key": "da2-wrong"}, 401), ({"host": "x"}, 401), (None, 400)],
)
def test_a_bad_handshake_is_a_connection_error(
    outputs: dict[str, str], authorization: Any, code: int
) -> None:
    with Socket(outputs["Realtime"], authorization) as socket:
        socket.say(type="connection_init")
        message = socket.hear()
        assert message["type"] == "connection_error"
        (error,) = message["payload"]["errors"]
        assert error["errorCode"] == code
        assert socket.hear()["type"] == "closed"


def test_a_mutation_is_pushed_as_it_selected(
    api: Api, client: Socket, key: Any, new_id: Any
) -> None:
    assert client.start("s1", CREATED, key) == {"type": "start_ack", "id": "s1"}
    identity = new_id()
    api.ask(
        "mutation M($i: MergedInput!) "
        "{ other: createMerged(input: $i) { id title: name _version } }",
        i={"id": identity, "name": "n", "owner": "o"},
    )
    assert client.hear() == {
        "id": "s1",
        "type": "data",
        "payload": {
            "data": {"onCreateMerged": {"id": identity, "name": "n", "owner": None, "_version": 1}}
        },
    }


def test_a_push_that_lacks_a_required_field_has_errors(
    api: Api, client: Socket, key: Any, new_id: Any
) -> None:
    client.start("s1", CREATED, key)
    api.ask("mutation M($i: MergedInput!) { createMerged(input: $i) { id } }", i={"id": new_id()})
    payload = client.hear()["payload"]
    assert payload["data"] == {"onCreateMerged": None}
    (error,) = payload["errors"]
    assert error["message"] == (
        "Cannot return null for non-nullable type: 'Int' within parent 'Merged' "
        "(/onCreateMerged/_version)"
    )


def test_an_argument_must_equal_its_field(api: Api, client: Socket, key: Any, new_id: Any) -> None:
    client.start("s1", CREATED, key, owner="me")
    api.create("Merged", id=new_id(), owner="you")
    mine = new_id()
    api.create("Merged", id=mine, owner="me")
    assert client.hear()["payload"]["data"]["onCreateMerged"]["id"] == mine


def test_an_argument_of_null_asks_for_null(api: Api, client: Socket, key: Any, new_id: Any) -> None:
    client.start("s1", CREATED, key, owner=None)
    api.create("Merged", id=new_id(), owner="you")
    nobodys = new_id()
    api.create("Merged", id=nobodys)
    assert client.hear()["payload"]["data"]["onCreateMerged"]["id"] == nobodys


def test_an_enhanced_filter_decides(api: Api, client: Socket, key: Any, new_id: Any) -> None:
    client.start("s1", UPDATED, key, minimum=10)
    low, high, important = new_id(), new_id(), new_id()
    for identity, values in (
        (low, {"jersey": 1}),
        (high, {"jersey": 20}),
        (important, {"name": "VIP Ann", "jersey": 2}),
    ):
        api.create("Merged", id=identity)
        api.update("Merged", id=identity, _version=1, **values)
    found = [client.hear()["payload"]["data"]["onUpdateMerged"]["id"] for _ in range(2)]
    assert found == [high, important]


def test_the_resolver_may_refuse(client: Socket, key: Any) -> None:
    message = client.start("s1", UPDATED, key, minimum=666)
    assert (message["type"], message["id"]) == ("error", "s1")
    (error,) = message["payload"]["errors"]
    assert error["errorType"] == "Unauthorized"
    assert error["message"] == "Not Authorized to access onUpdateMerged on type Subscription"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("subscription { nope }", "Validation error of type FieldUndefined"),
        ("subscription {", "Unable to parse GraphQL query."),
        ("{ keyOnly }", "Only subscriptions can be started here."),
    ],
)
def test_a_bad_start_is_an_error_of_its_own(
    client: Socket, key: Any, query: str, said: str
) -> None:
    message = client.start("s1", query, key)
    assert (message["type"], message["id"]) == ("error", "s1")
    assert message["payload"]["errors"][0]["message"].startswith(said)
    assert client.start("s2", CREATED, key)["type"] == "start_ack"


def test_a_bad_key_at_the_start(client: Socket) -> None:
    message = client.start("s1", CREATED, {"x-api-key": "da2-wrong"})
    assert message["payload"]["errors"][0]["errorType"] == "UnauthorizedException"


def test_an_id_is_taken_once(client: Socket, key: Any) -> None:
    client.start("s1", CREATED, key)
    message = client.start("s1", CREATED, key)
    assert message["payload"]["errors"][0]["errorType"] == "DuplicatedOperationError"


def test_stop_completes_and_ends_the_pushes(
    api: Api, client: Socket, key: Any, new_id: Any
) -> None:
    client.start("s1", CREATED, key)
    client.say(type="stop", id="s1")
    assert client.hear() == {"type": "complete", "id": "s1"}
    api.create("Merged", id=new_id())
    assert client.silent(0.3)
    assert client.start("s1", CREATED, key)["type"] == "start_ack"


def test_a_failed_mutation_is_not_pushed(api: Api, client: Socket, key: Any, new_id: Any) -> None:
    identity = new_id()
    api.create("Merged", id=identity)
    client.start("s1", CREATED, key)
    assert "errors" in api.create("Merged", id=identity).body
    assert client.silent(0.3)


def test_unknown_messages(client: Socket) -> None:
    client.say(type="subscribe", id="x")
    (error,) = client.hear()["payload"]["errors"]
    assert error == {
        "errorType": "UnsupportedOperation",
        "message": "subscribe not supported through the realtime channel",
    }


def test_invalidation_ends_subscriptions(api: Api, client: Socket, key: Any) -> None:
    client.start("s5", UPDATED, key, minimum=5)
    client.start("s6", UPDATED, key, minimum=6)
    assert api.ask("mutation { close }").data == {"close": "closed"}
    assert client.hear() == {"type": "complete", "id": "s5"}
    assert client.silent(0.3)


def test_one_connection_serves_several_callers(
    api: Api, client: Socket, key: Any, tokens: Any, new_id: Any
) -> None:
    client.start("as-key", CREATED, key)
    client.start("as-ann", CREATED, {"Authorization": tokens["ann"]["AccessToken"]})
    api.create("Merged", id=new_id())
    assert {client.hear()["id"], client.hear()["id"]} == {"as-key", "as-ann"}


def test_a_token_that_expires_ends_its_subscription(
    api: Api, aws: LocalAws, client: Socket, tokens: Any, new_id: Any
) -> None:
    client.start("s1", CREATED, {"Authorization": tokens["ann"]["AccessToken"]})
    aws.control("appsync/clock", credentials_offset_seconds=6 * 3600)
    api.create("Merged", id=new_id())
    message = client.hear()
    assert message["type"] == "error"
    assert message["payload"]["errors"][0]["message"] == "Token expired"


def test_iam_signs_connect_and_start(api: Api, outputs: dict[str, str], new_id: Any) -> None:
    def signed(path: str, body: str) -> dict[str, str]:
        headers = {"accept": "application/json, text/javascript", "content-encoding": "amz-1.0"}
        request = AWSRequest("POST", f"{api.url}{path}", headers, body.encode())
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "appsync", "eu-west-1").add_auth(request)
        return {"host": urlsplit(api.url).netloc, **dict(request.headers.items())}

    query = "subscription { onCreateMerged { id } }"
    data = json.dumps({"query": query, "variables": {}})
    with Socket(outputs["Realtime"], signed("/connect", "{}")) as socket:
        socket.begin()
        socket.say(
            id="s1",
            type="start",
            payload={"data": data, "extensions": {"authorization": signed("", data)}},
        )
        message = socket.hear()
        # The field is not open to IAM: the signature was right, the directive says no.
        assert message["payload"]["errors"][0]["errorType"] == "Unauthorized"
        socket.say(
            id="s2",
            type="start",
            payload={"data": data, "extensions": {"authorization": signed("", data + " ")}},
        )
        assert socket.hear()["payload"]["errors"][0]["errorType"] == "BadRequestException"
    with Socket(outputs["Realtime"], signed("/connect", "[]")) as socket:
        socket.say(type="connection_init")
        assert socket.hear()["type"] == "connection_error"
