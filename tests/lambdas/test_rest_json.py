"""Requests of Bedrock, S3 Vectors and SNS against botocore's models, and answers in a stream."""

from __future__ import annotations

import json
import struct
import time
from binascii import crc32
from typing import Any
from urllib.parse import parse_qs

import botocore.session
import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from edge.aws import Aws
from edge.errors import AwsError
from edge.event_stream import events, messages
from edge.message import SIGNING_NAMES
from edge.rest_json import OPERATIONS, QUERY_VERSIONS, message_of
from edge.service import endpoint_of
from tests.lambdas.scripted_server import Answer, ScriptedServer

KEYS = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}
MODEL = "eu.anthropic.claude-v1:0"


def model_of(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def client(server: ScriptedServer) -> Aws:
    return Aws({**KEYS, "AWS_ENDPOINT_URL": server.url}, sleep=lambda seconds: None)


def message(payload: Any, *, kind: str = "event", **headers: str) -> bytes:
    """One message, encoded by hand; botocore's parser reads it below."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    head = b""
    for name, value in {":message-type": kind, **headers}.items():
        name = name.replace("_", "-")
        name = name if name.startswith(":") else f":{name}"
        head += bytes([len(name)]) + name.encode() + b"\x07"
        head += struct.pack(">H", len(value.encode())) + value.encode()
    prelude = struct.pack(">II", 16 + len(head) + len(content), len(head))
    body = prelude + struct.pack(">I", crc32(prelude)) + head + content
    return body + struct.pack(">I", crc32(body))


@pytest.mark.parametrize(("service", "operation"), sorted(OPERATIONS))
def test_methods_and_paths_are_the_service_models(service: str, operation: str) -> None:
    model = model_of(service).operation_model(operation)
    method, path = OPERATIONS[service, operation]
    assert (model.http["method"], model.http["requestUri"]) == (method, path)
    elsewhere = {
        name: member.serialization.get("location")
        for name, member in model.input_shape.members.items()
        if member.serialization.get("location")
    }
    in_path = {name for name, where in elsewhere.items() if where == "uri"}
    assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    if method == "GET":
        assert set(model.input_shape.members) == set(elsewhere)


@pytest.mark.parametrize("service", sorted(SIGNING_NAMES))
def test_services_are_signed_for_and_found_where_botocore_does(service: str) -> None:
    session = botocore.session.get_session()
    for region in ("eu-west-1", "us-gov-west-1", "cn-north-1"):
        made = session.create_client(
            service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b"
        )
        assert made.meta.service_model.signing_name == SIGNING_NAMES[service]
        assert endpoint_of(service, region=region, environ={}) == made.meta.endpoint_url


def test_endpoints_are_configured_by_the_services_id() -> None:
    environ = {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://models:1",
        "AWS_ENDPOINT_URL": "http://a",
    }
    assert endpoint_of("bedrock-runtime", region="r", environ=environ) == "http://models:1"


def test_a_model_id_is_quoted_in_the_path_and_left_out_of_the_body() -> None:
    with ScriptedServer(Answer(content={"stopReason": "end_turn"})) as server:
        answer = client(server).call("bedrock-runtime", "Converse", modelId=MODEL, messages=[])
        (asked,) = server.asked
    assert answer == {"stopReason": "end_turn"}
    assert asked.path == "/model/eu.anthropic.claude-v1%3A0/converse"
    assert asked.content == {"messages": []}
    assert "/bedrock/aws4_request" in asked.headers["authorization"]


def test_a_read_has_its_parameters_in_the_query() -> None:
    with ScriptedServer() as server:
        client(server).call(
            "bedrock-agent", "GetPrompt", promptIdentifier="arn:a:prompt/P", promptVersion="3"
        )
        (asked,) = server.asked
    assert (asked.method, asked.body) == ("GET", b"")
    assert asked.path == "/prompts/arn%3Aa%3Aprompt%2FP/?promptVersion=3"


def test_a_model_of_its_own_format_gets_its_bytes() -> None:
    with ScriptedServer(Answer(content={"embedding": [1.0]})) as server:
        client(server).call(
            "bedrock-runtime", "InvokeModel", modelId="m", body=b'{"inputText":"a"}'
        )
        assert server.asked[0].content == {"inputText": "a"}


def test_sns_is_asked_by_a_form_and_its_answer_is_not_read() -> None:
    xml = Answer(content=b"<PublishResponse/>", headers={"Content-Type": "text/xml"})
    with ScriptedServer(xml) as server:
        answer = client(server).call("sns", "Publish", TopicArn="arn:t", Message="a&b=ä")
        (asked,) = server.asked
    assert answer == {}
    assert parse_qs(asked.body.decode()) == {
        "Action": ["Publish"], "Version": ["2010-03-31"], "TopicArn": ["arn:t"],
        "Message": ["a&b=ä"],
    }  # fmt: skip
    assert model_of("sns").metadata["apiVersion"] == QUERY_VERSIONS["sns"]


def test_what_is_not_in_the_table_is_named() -> None:
    with pytest.raises(ValueError, match=r"bedrock-agent-runtime.Flow: choose one of Retrieve"):
        message_of("bedrock-agent-runtime", "Flow", {})
    with pytest.raises(ValueError, match="knowledgeBaseId is empty; give it"):
        message_of("bedrock-agent-runtime", "Retrieve", {"knowledgeBaseId": ""})


def test_a_service_without_a_prefix_of_its_own_says_its_error_in_a_header() -> None:
    refusal = Answer(
        status=409, content={"message": "busy"},
        headers={"x-amzn-errortype": "ConflictException:http://internal.amazon.com/"},
    )  # fmt: skip
    with ScriptedServer(refusal) as server, pytest.raises(AwsError, match="busy") as raised:
        client(server).call(
            "bedrock-agent", "StartIngestionJob", knowledgeBaseId="K", dataSourceId="D"
        )
    assert (raised.value.code, raised.value.status) == ("ConflictException", 409)


def test_a_block_may_take_so_long_and_no_longer() -> None:
    with ScriptedServer(Answer(delay=30)) as server:
        aws = client(server)
        started = time.monotonic()
        with aws.within(0.2), pytest.raises(AwsError, match="Timeout"):
            aws.call("s3vectors", "GetVectors")
        assert time.monotonic() - started < 10
        assert aws.give_up_at == float("inf")


# --- streams --------------------------------------------------------------------------------------


def test_events_arrive_in_their_order_and_the_connection_is_kept() -> None:
    stream = message({"delta": {"text": "Hel"}}, event_type="contentBlockDelta")
    stream += message({"stopReason": "end_turn"}, event_type="messageStop")
    with ScriptedServer(Answer(content=stream), Answer(content={"ok": 1})) as server:
        aws = client(server)
        found = list(aws.stream("bedrock-runtime", "ConverseStream", modelId="m", messages=[]))
        assert aws.call("bedrock-runtime", "Converse", modelId="m") == {"ok": 1}
        assert server.connections == 1
        assert server.asked[0].path == "/model/m/converse-stream"
    assert found == [
        {"contentBlockDelta": {"delta": {"text": "Hel"}}},
        {"messageStop": {"stopReason": "end_turn"}},
    ]


def test_a_stream_that_does_not_begin_is_tried_again_and_one_that_breaks_is_not() -> None:
    busy = Answer(status=429, headers={"x-amzn-errortype": "ThrottlingException"})
    broken = message({}, event_type="messageStart") + message(
        {"message": "slow down"}, kind="exception", exception_type="throttlingException"
    )
    with ScriptedServer(busy, Answer(content=broken)) as server:
        stream = client(server).stream("bedrock-runtime", "ConverseStream", modelId="m")
        assert next(stream) == {"messageStart": {}}
        with pytest.raises(AwsError, match="slow down") as raised:
            next(stream)
        assert raised.value.code == "ThrottlingException" and raised.value.retryable
        assert len(server.asked) == 2


def test_a_stream_that_nobody_reads_on_does_not_keep_its_connection() -> None:
    stream = message({"n": 1}, event_type="a") * 50_000
    with ScriptedServer(Answer(content=stream), Answer(content={"ok": 1})) as server:
        aws = client(server)
        given_ = aws.stream("bedrock-runtime", "ConverseStream", modelId="m")
        next(given_)
        given_.close()  # type: ignore[attr-defined]
        assert aws.call("bedrock-runtime", "Converse", modelId="m") == {"ok": 1}
        assert server.connections == 2


def test_a_stream_ends_at_the_time_to_give_up() -> None:
    with ScriptedServer(Answer(content=message({}, event_type="a") * 3)) as server:
        aws = client(server)
        stream = aws.stream("bedrock-runtime", "ConverseStream", modelId="m")
        next(stream)
        aws.give_up_at = 0.0
        assert len(list(stream)) == 2  # they had arrived
        with pytest.raises(AwsError, match="no time is left"):
            list(aws.stream("bedrock-runtime", "ConverseStream", modelId="m"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["event_type", "content_type", "other"]),
            st.text(max_size=20),
            st.dictionaries(st.text(max_size=5), st.text(max_size=30), max_size=3),
        ),
        max_size=4,
    ),
    st.integers(1, 40),
)
def test_messages_are_what_botocore_reads(
    parts: list[tuple[str, str, dict[str, str]]], size: int
) -> None:
    data = b"".join(message(content, **{name: value}) for name, value, content in parts)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    theirs = EventStreamBuffer()
    theirs.add_data(data)
    expected = [(dict(each.headers), each.payload) for each in theirs]
    assert list(messages(pieces)) == expected


@given(st.data())
def test_damage_is_noticed(data: st.DataObject) -> None:
    whole = message({"a": "b"}, event_type="x")
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    with pytest.raises(AwsError):
        list(events([flipped]))


def test_a_stream_that_is_cut_off_is_an_error() -> None:
    with pytest.raises(AwsError, match="inside a message"):
        list(events([message({}, event_type="x")[:-3]]))
