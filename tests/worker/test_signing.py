"""The signer gives exactly botocore's signatures."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.aws_config import AwsConfig, Endpoint
from worker.doors import AwsDoor
from worker.http_connection import Response
from worker.s3 import FastS3
from worker.signed_http import SignedHttp, Template
from worker.signing import Signer

NOW = 1_700_000_000
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
KEYS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


class FixedCredentials:
    def __init__(self, access_key: str, secret_key: str, token: str | None) -> None:
        self.access_key, self.secret_key, self.token = access_key, secret_key, token


def http_for(service: str, region: str, credentials: Any, endpoint: Endpoint) -> SignedHttp:
    config = AwsConfig(region=region)
    config.credentials = credentials
    http = SignedHttp(
        config=config,
        service=service,
        endpoint=endpoint,
        parse_error=lambda _: ("", ""),
        sign_body_header=service == "s3",
    )
    http.signer = Signer(service=service, region=region, credentials=credentials, clock=lambda: NOW)
    return http


def botocore_authorization(
    auth_class: type, service: str, region: str, credentials: Any, message: bytes, url: str
) -> str:
    """What botocore would have put into the Authorization header of our own request."""
    head, _, body = message.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    ours = headers.pop("authorization")
    signed = ours.split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest(
        method=first.split(" ")[0],
        url=url + first.split(" ")[1],
        data=body,
        headers={
            name: value
            for name, value in headers.items()
            if name in signed and name not in ("x-amz-date", "x-amz-security-token", "host")
        },
    )
    auth = auth_class(
        Credentials(credentials.access_key, credentials.secret_key, credentials.token),
        service,
        region,
    )
    auth.add_auth(request)
    return str(request.headers["Authorization"])


def ours(message: bytes) -> str:
    return message.split(b"authorization: ")[1].split(b"\r\n")[0].decode()


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth

    def now(remove_tzinfo: bool = True) -> datetime.datetime:
        moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    monkeypatch.setattr(botocore.auth, "get_current_datetime", now)


@settings(max_examples=40)
@given(
    access=TEXT, secret=TEXT, token=st.none() | TEXT, body=st.binary(max_size=300),
    region=st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1"]),
    port=st.sampled_from([443, 8443]), operation=st.sampled_from(["ReceiveMessage", "PutItem"]),
)  # fmt: skip
def test_json_requests_have_botocores_signature(
    access: str, secret: str, token: str | None, body: bytes, region: str, port: int, operation: str
) -> None:
    credentials = FixedCredentials(access, secret, token)
    endpoint = Endpoint(scheme="http", host="sqs.example.com", port=port, path="", custom=True)
    http = http_for("sqs", region, lambda: credentials, endpoint)
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"AmazonSQS.{operation}",
    }
    import hashlib

    template = Template("POST", "/", headers=headers)
    for _ in range(2):  # the second one comes from the template's cache
        message = http.message(template, body, hashlib.sha256(body).hexdigest())
        assert ours(message) == botocore_authorization(
            SigV4Auth, "sqs", region, credentials, message, endpoint.url
        )


@settings(max_examples=50)
@given(
    key=KEYS, body=st.binary(max_size=100), method=st.sampled_from(["GET", "PUT", "HEAD"]),
    bucket=st.sampled_from(["documents", "with.dots"]), version=st.none() | TEXT,
    token=st.none() | TEXT,
)  # fmt: skip
def test_s3_requests_have_botocores_signature(
    key: str, body: bytes, method: str, bucket: str, version: str | None, token: str | None
) -> None:
    credentials = FixedCredentials("AKIA", "secret", token)
    endpoint = Endpoint(
        scheme="http", host="s3.eu-west-1.amazonaws.com", port=80, path="", custom=False
    )
    http = http_for("s3", "eu-west-1", lambda: credentials, endpoint)
    sent: list[bytes] = []

    def request(template: Template, *, body: bytes = b"", **_: Any) -> Response:
        import hashlib

        sent.append(http.message(template, body, hashlib.sha256(body).hexdigest()))
        return Response(200, {}, b"")

    http.request = request  # type: ignore[method-assign]
    s3 = FastS3(http, fallback=None, path_style=False, logger=logging.getLogger())
    s3._send(method, bucket, key, version_id=version, body=body if method == "PUT" else b"")
    (message,) = sent
    host = message.split(b"host: ")[1].split(b"\r\n")[0].decode()
    assert host == (f"{bucket}." if "." not in bucket else "") + "s3.eu-west-1.amazonaws.com"
    assert ours(message) == botocore_authorization(
        S3SigV4Auth, "s3", "eu-west-1", credentials, message, f"http://{host}"
    )


def test_the_signing_key_follows_the_day_and_the_credentials() -> None:
    seconds = [NOW]
    credentials = [FixedCredentials("A", "one", None)]
    signer = Signer(
        service="sqs", region="r", credentials=lambda: credentials[0], clock=lambda: seconds[0]
    )
    first = signer.moment()
    assert signer.moment() is first
    seconds[0] += 1
    second = signer.moment()
    assert second is not first and second.key is first.key
    seconds[0] += 86_400
    third = signer.moment()
    assert third.key != first.key
    credentials[0] = FixedCredentials("B", "two", "token")
    assert signer.moment().key == third.key
    signer.forget()
    assert signer.moment().key != third.key
    assert signer.moment().token == "token"


def test_skew_moves_the_signed_date() -> None:
    signer = Signer(
        service="sqs",
        region="r",
        credentials=lambda: FixedCredentials("A", "one", None),
        clock=lambda: NOW,
    )
    signer.skew = 3600.0
    assert signer.moment().amz_date == "20231114T231320Z"


def test_credentials_are_asked_once_a_second() -> None:
    asked = []

    def credentials() -> FixedCredentials:
        asked.append(1)
        return FixedCredentials("A", "one", None)

    signer = Signer(service="sqs", region="r", credentials=credentials, clock=lambda: NOW)
    for _ in range(100):
        signer.moment()
    assert len(asked) == 1


def test_the_door_signs_what_sqs_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and order of the signed headers of a real ReceiveMessage."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    door = AwsDoor(AwsConfig(region="eu-west-1"), logger=logging.getLogger())
    api = door.json_api("sqs", target_prefix="AmazonSQS")
    assert api is not None
    template = Template("POST", "/", headers={"content-type": "x", "x-amz-target": "y"})
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target," in ours(
        api.http.message(template, b"", "hash")
    )
