"""Retries, time-outs, clock skew, expired credentials: each has a defined outcome."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from botocore.retries.standard import (
    RetryQuotaChecker,
    ThrottledRetryableChecker,
    TransientRetryableChecker,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.instance_server import InstanceServer
from tests.worker.sqs_server import Fault, SqsServer
from worker import retries
from worker.aws import AwsError
from worker.aws_config import CredentialSource
from worker.http_connection import Response
from worker.json_api import parse_json_error
from worker.s3 import parse_s3_error
from worker.sqs import FastSqs

Open = Callable[..., FastSqs]


def failing(times: int, fault: Fault) -> Callable[..., Fault | None]:
    return lambda operation, request, number: fault if number <= times else None


# --- what is retried ------------------------------------------------------------------------------


def test_the_same_errors_are_retried_as_by_botocore() -> None:
    assert set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES) == retries.THROTTLING_CODES
    assert set(TransientRetryableChecker._TRANSIENT_ERROR_CODES) == retries.TRANSIENT_CODES
    assert set(TransientRetryableChecker._TRANSIENT_STATUS_CODES) == retries.TRANSIENT_STATUS
    assert retries.RetryQuota.COST == RetryQuotaChecker._RETRY_COST
    assert retries.RetryQuota.COST_AFTER_TIMEOUT == RetryQuotaChecker._TIMEOUT_RETRY_REQUEST


@given(st.integers(1, 60))
def test_delays_grow_with_full_jitter_up_to_twenty_seconds(attempt: int) -> None:
    assert 0 <= retries.delay_before_retry(attempt) <= min(2 ** (attempt - 1), 20)


def test_the_quota_ends_retries_and_comes_back_with_success() -> None:
    quota = retries.RetryQuota()
    taken = [quota.take(after_timeout=False) for _ in range(101)]
    assert taken == [5] * 100 + [0]
    for _ in range(5):
        quota.give_back(0)
    assert quota.take(after_timeout=True) == 0
    assert quota.take(after_timeout=False) == 5
    quota.give_back(5)
    quota.give_back(10_000)
    assert [quota.take(after_timeout=True) for _ in range(51)] == [10] * 50 + [0]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, code="InternalFailure"),
        Fault(status=503, code="ServiceUnavailable"),
        Fault(status=400, code="ThrottlingException"),
        Fault(status=400, code="RequestThrottled"),
        Fault(status=400, code="RequestTimeout"),
        Fault(cut_before=True),
        Fault(cut_after=True),
    ],
)
def test_two_failures_are_survived(server: SqsServer, open_sqs: Open, fault: Fault) -> None:
    server.faults = failing(2, fault)
    assert open_sqs().receive(10) == []
    assert server.count("ReceiveMessage") == 3


def test_three_failures_are_an_error_that_says_what_happened(
    server: SqsServer, open_sqs: Open
) -> None:
    server.faults = failing(99, Fault(status=400, code="ThrottlingException", message="slow down"))
    with pytest.raises(AwsError, match="slow down") as caught:
        open_sqs().receive(10)
    assert (caught.value.code, caught.value.status) == ("ThrottlingException", 400)
    assert caught.value.retryable
    assert len(server.calls) == 3


def test_the_number_of_attempts_is_a_setting_of_the_sdks(
    server: SqsServer, open_sqs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    server.faults = failing(4, Fault(status=500))
    open_sqs().receive(1)
    assert len(server.calls) == 5


@pytest.mark.parametrize("code", ["AccessDeniedException", "QueueDoesNotExist", "ValidationError"])
def test_errors_of_ours_are_not_retried(server: SqsServer, open_sqs: Open, code: str) -> None:
    server.faults = failing(99, Fault(status=400, code=code))
    with pytest.raises(AwsError) as caught:
        open_sqs().receive(1)
    assert (caught.value.code, caught.value.retryable) == (code, False)
    assert len(server.calls) == 1


def test_the_quota_ends_retries_of_a_client(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs()
    server.faults = failing(10_000, Fault(status=500))
    for _ in range(60):
        with pytest.raises(AwsError):
            sqs.receive(1)
    assert len(server.calls) == 160  # 500 of quota / 5 = 100 retries, then none


def test_no_answer_in_time_is_a_retryable_timeout(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs()
    sqs._read_timeout = 0.1
    server.faults = failing(99, Fault(delay=0.3))
    with pytest.raises(AwsError) as caught:
        sqs.receive(1)
    assert (caught.value.code, caught.value.retryable) == ("Timeout", True)


def test_nobody_answers(door, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("worker.signed_http.delay_before_retry", lambda _: 0)
    with pytest.raises(AwsError, match="refused") as caught:
        door.sqs(queue_url="http://x", visibility_timeout=1, wait_time=0).receive(1)
    assert (caught.value.code, caught.value.retryable) == ("ConnectionError", True)


def test_a_connection_closed_while_idle_costs_no_attempt(
    server: SqsServer, open_sqs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    sqs = open_sqs()
    for _ in range(3):
        sqs.receive(1)
        server.cut_connections()
        time.sleep(0.02)
    sqs.receive(1)
    assert server.count("ReceiveMessage") == 4
    assert server.connections == 4


def test_connections_are_kept_alive(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs()
    for _ in range(20):
        sqs.receive(1)
    assert server.connections == 1
    assert sqs.calls == 20


# --- clock and credentials ------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [3600.0, -7200.0])
def test_a_wrong_clock_is_corrected_once(server: SqsServer, open_sqs: Open, offset: float) -> None:
    server.clock_offset = offset
    sqs = open_sqs()
    for _ in range(3):
        sqs.receive(1)
    assert server.count("ReceiveMessage") == 4
    assert abs(sqs._api.http.signer.skew - offset) < 5


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Foo 2026 77:00:00 GMT"])
def test_an_answer_without_a_date_corrects_no_clock(
    server: SqsServer, open_sqs: Open, monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    monkeypatch.setattr("tests.worker.sqs_server.email.utils.formatdate", lambda *_, **__: date)
    server.faults = failing(99, Fault(status=403, code="RequestTimeTooSkewed"))
    with pytest.raises(AwsError, match="RequestTimeTooSkewed"):
        open_sqs().receive(1)


def test_a_wrong_signature_with_a_right_clock_is_an_error(
    server: SqsServer, open_sqs: Open
) -> None:
    server.faults = failing(99, Fault(status=403, code="InvalidSignatureException"))
    with pytest.raises(AwsError, match="InvalidSignatureException"):
        open_sqs().receive(1)
    assert len(server.calls) == 1


def test_expired_credentials_are_found_anew(
    server: SqsServer, open_sqs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role's credentials changed before their time; botocore alone would keep the old ones."""
    with InstanceServer() as instance:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.url)
        instance.grant(token="first", expires_in=7200)
        server.valid_tokens = {"first"}
        sqs = open_sqs()
        sqs.receive(1)
        instance.grant(token="second", expires_in=7200)
        server.valid_tokens = {"second"}
        sqs.receive(1)
        assert server.calls[-1].headers["x-amz-security-token"] == "second"
        # Refused again at once: no second search within seconds, an error instead.
        searches = len(instance.requests)
        server.valid_tokens = {"third"}
        with pytest.raises(AwsError, match="expired") as caught:
            sqs.receive(1)
        assert caught.value.retryable
        assert len(instance.requests) == searches


def test_threads_that_are_refused_together_share_one_search(
    server: SqsServer, open_sqs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with InstanceServer() as instance:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.url)
        instance.grant(token="first", expires_in=7200)
        server.valid_tokens = {"first"}
        sqs = open_sqs()
        sqs.receive(1)
        instance.grant(token="second", expires_in=7200)
        server.valid_tokens = {"second"}
        server.latency = 0.1
        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(sqs.receive, [1] * 6)) == [[]] * 6
        granted = [path for path in instance.requests if path.endswith("worker-role")]
        assert len(granted) == 2


def test_credentials_close_to_their_expiry_are_refreshed(
    server: SqsServer, open_sqs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with InstanceServer() as instance:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.url)
        # botocore refreshes within 15 minutes of the expiry. It takes credentials that are handed
        # out so old for an outage of the service and postpones their expiry, which is not the case
        # here: the instance has had them for hours.
        monkeypatch.setattr("botocore.utils.random.randint", lambda *_: -600)
        instance.grant(token="first", expires_in=840)
        sqs = open_sqs()
        sqs.receive(1)
        instance.grant(token="second", expires_in=7200)
        sqs._api.http.signer.forget()  # as the next second does
        sqs.receive(1)
        assert server.calls[-1].headers["x-amz-security-token"] == "second"


def test_a_provider_of_credentials_that_fails_in_its_own_way_is_an_error_for_later() -> None:
    def refused() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "sts"}}, "AssumeRole")

    with pytest.raises(AwsError, match="AssumeRole") as caught:
        CredentialSource(refused)()
    assert (caught.value.code, caught.value.retryable) == ("NoCredentials", True)


def test_no_credentials_at_all_names_the_remedy(
    open_sqs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AwsError, match="instance profile") as caught:
        open_sqs().receive(1)
    assert (caught.value.code, caught.value.retryable) == ("NoCredentials", True)


# --- errors ---------------------------------------------------------------------------------------

ERRORS = st.sampled_from(
    ["QueueDoesNotExist", "ReceiptHandleIsInvalid", "OverLimit", "RequestThrottled"]
)


@given(code=ERRORS, message=st.text(max_size=50), namespace=st.booleans())
def test_json_errors_are_read_as_botocore_reads_them(
    code: str, message: str, namespace: bool
) -> None:
    import json

    from botocore.parsers import JSONParser

    name = f"com.amazonaws.sqs#{code}" if namespace else code
    content = json.dumps({"message": message, "__type": name}).encode()
    theirs = JSONParser().parse({"status_code": 400, "headers": {}, "body": content}, None)["Error"]
    assert parse_json_error(Response(400, {}, content)) == (theirs["Code"], theirs["Message"])


def test_the_code_may_be_in_a_header() -> None:
    headers = {"x-amzn-errortype": "QueueDoesNotExist:http://internal.amazon.com/x/"}
    response = Response(400, headers, b'{"Message":"gone"}')
    assert parse_json_error(response) == ("QueueDoesNotExist", "gone")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b'"text"', b"\xff"])
def test_error_answers_without_json_have_their_status_as_code(body: bytes) -> None:
    assert parse_json_error(Response(502, {}, body)) == ("502", "")


@given(
    code=st.sampled_from(["NoSuchKey", "AccessDenied", "SlowDown"]), message=st.text(max_size=40)
)
def test_s3_errors_are_read_as_botocore_reads_them(code: str, message: str) -> None:
    from xml.sax.saxutils import escape

    from botocore.parsers import RestXMLParser

    text = "".join(c for c in message if c.isprintable() and c != "\ufffe")
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error>'
        f"<Code>{code}</Code><Message>{escape(text)}</Message><Key>k</Key></Error>"
    ).encode()
    theirs = RestXMLParser().parse({"status_code": 404, "headers": {}, "body": body}, None)
    error = theirs["Error"]
    assert parse_s3_error(Response(404, {}, body)) == (error["Code"], error.get("Message") or "")


def test_answers_that_are_no_json_object_are_errors(server: SqsServer, open_sqs: Open) -> None:
    sqs = open_sqs()
    sqs._api.http.request = lambda *_, **__: Response(200, {}, b"[]")  # type: ignore[method-assign]
    with pytest.raises(AwsError, match="UnexpectedAnswer"):
        sqs.receive(1)
    sqs._api.http.request = lambda *_, **__: Response(  # type: ignore[method-assign]
        200, {}, b'{"Messages":[{"Body":"no id"}]}'
    )
    with pytest.raises(AwsError, match="MessageId"):
        sqs.receive(1)
