"""The signer gives exactly botocore's signatures."""

from __future__ import annotations

import datetime

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.credentials import Credentials
from edge.signing import Signer

NOW = 1_700_000_000
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    monkeypatch.setattr(
        botocore.auth,
        "get_current_datetime",
        lambda remove_tzinfo=True: moment.replace(tzinfo=None) if remove_tzinfo else moment,
    )


@settings(deadline=None, max_examples=80)
@given(
    access=TEXT, secret=TEXT, token=st.none() | TEXT, body=st.binary(max_size=300),
    region=st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1"]),
    service=st.sampled_from(["sqs", "dynamodb", "bedrock"]),
    path=st.sampled_from(["/", "/base/", "/model/a.b-v1%3A0/converse", "/prompts/arn%3Aa%2Fb/"]),
    request_line=st.sampled_from([("POST", ""), ("GET", "promptVersion=3"), ("PUT", "")]),
    host=st.sampled_from(["sqs.eu-west-1.amazonaws.com", "127.0.0.1:4566"]),
)  # fmt: skip
def test_requests_have_botocores_signature(
    access: str, secret: str, token: str | None, body: bytes, region: str, service: str,
    path: str, request_line: tuple[str, str], host: str,
) -> None:  # fmt: skip
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": host,
        "x-amz-target": "AmazonSQS.SendMessageBatch",
    }
    method, query = request_line
    signer = Signer(service=service, region=region)
    for _ in range(2):  # the second one comes from the kept key
        ours = signer.sign(
            Credentials(access, secret, token), method=method, path=path, query=query,
            headers=headers, body=body, now=NOW,
        )  # fmt: skip
    request = AWSRequest(
        method=method,
        url=f"https://{host}{path}" + (f"?{query}" if query else ""),
        data=body,
        headers={k: v for k, v in headers.items() if k != "host"},
    )
    SigV4Auth(BotocoreCredentials(access, secret, token), service, region).add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")


def test_the_key_follows_the_day_and_the_credentials() -> None:
    signer = Signer(service="sqs", region="eu-west-1")

    def signature(secret: str, now: float) -> str:
        headers = {"host": "h"}
        return signer.sign(
            Credentials("A", secret, None), path="/", headers=headers, body=b"", now=now
        )["authorization"]

    one = signature("one", NOW)
    assert signature("two", NOW) != one
    assert signature("one", NOW + 86_400) != one
    assert signature("one", NOW) == one
