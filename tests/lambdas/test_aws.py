"""The client: against scripted answers on loopback, botocore's models and botocore's endpoints."""

from __future__ import annotations

import email.utils
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import botocore.session
import pytest
from botocore.retries import standard

from edge import aws as module
from edge import errors
from edge import service as services
from edge.aws import AMAZON_ROOTS, Aws
from edge.errors import AwsError, RetryQuota, error_of
from edge.message import TARGETS
from edge.service import Service, endpoint_of
from tests.lambdas.scripted_server import Answer, ScriptedServer

KEYS = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}
SLOW_DOWN = Answer(status=400, content={"__type": "com.amazonaws#ThrottlingException"})
EXPIRED = Answer(status=400, content={"__type": "x#ExpiredTokenException", "message": "old"})


def client(server: ScriptedServer, **environ: str) -> tuple[Aws, list[float]]:
    slept: list[float] = []
    return Aws({**KEYS, "AWS_ENDPOINT_URL": server.url, **environ}, sleep=slept.append), slept


def test_a_call_is_what_the_service_model_says() -> None:
    with ScriptedServer(Answer(content={"Item": {"job": {"S": "1"}}})) as server:
        aws, _ = client(server)
        answer = aws.call("dynamodb", "GetItem", TableName="t", Key={"job": {"S": "ä"}})
        (asked,) = server.asked
    assert answer == {"Item": {"job": {"S": "1"}}}
    assert (asked.method, asked.path) == ("POST", "/")
    assert asked.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert asked.headers["host"] == server.host
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=A/")
    assert asked.content == {"TableName": "t", "Key": {"job": {"S": "ä"}}}


def test_the_trace_of_the_invocation_goes_on_unsigned() -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    with ScriptedServer() as server:
        client(server, _X_AMZN_TRACE_ID=trace)[0].call("sqs", "SendMessageBatch")
        client(server)[0].call("sqs", "SendMessageBatch")
        first, second = (asked.headers for asked in server.asked)
    assert first["x-amzn-trace-id"] == trace
    assert "x-amzn-trace-id" not in first["authorization"] and "x-amzn-trace-id" not in second


@pytest.mark.parametrize("service", sorted(TARGETS))
def test_targets_and_protocol_are_the_service_models(service: str) -> None:
    metadata = botocore.session.get_session().get_service_model(service).metadata
    assert metadata["targetPrefix"] == TARGETS[service]
    assert "json" in metadata["protocols"] and metadata["jsonVersion"] == "1.0"
    assert metadata["signatureVersion"] == "v4"


def test_one_connection_serves_many_calls() -> None:
    with ScriptedServer() as server:
        aws, _ = client(server)
        for _ in range(4):
            aws.call("sqs", "SendMessageBatch")
        assert server.connections == 1
        assert aws.calls == 4


@pytest.mark.parametrize(
    "failure", [SLOW_DOWN, Answer(status=500), Answer(status=503), Answer(cut=True),
                Answer(content=b"<html>"), Answer(content=[1])]
)  # fmt: skip
def test_what_may_pass_is_tried_again(failure: Answer) -> None:
    with ScriptedServer(failure, failure, Answer(content={"ok": 1})) as server:
        aws, slept = client(server)
        assert aws.call("sqs", "SendMessageBatch") == {"ok": 1}
        assert len(slept) == 2 and all(0 <= delay < 2 for delay in slept)


def test_three_attempts_are_all() -> None:
    with ScriptedServer(*[SLOW_DOWN] * 5) as server:
        aws, _ = client(server)
        with pytest.raises(AwsError, match="ThrottlingException") as raised:
            aws.call("sqs", "SendMessageBatch")
        assert raised.value.retryable and len(server.asked) == 3


def test_the_callers_mistakes_are_not_tried_again() -> None:
    refusal = Answer(
        status=400,
        content={"__type": "com.amazonaws.dynamodb.v20120810#ValidationException", "message": "m"},
    )
    with ScriptedServer(refusal) as server:
        aws, _ = client(server)
        with pytest.raises(AwsError) as raised:
            aws.call("dynamodb", "GetItem")
        assert (raised.value.code, raised.value.status) == ("ValidationException", 400)
        assert raised.value.message == "m" and not raised.value.retryable
        assert len(server.asked) == 1


def test_an_outage_uses_up_the_budget_for_retries() -> None:
    quota = RetryQuota()
    assert sum(quota.take(after_timeout=False) > 0 for _ in range(200)) == errors.QUOTA // 5
    quota.give_back(0)
    assert quota.take(after_timeout=False) == 0
    quota.give_back(10)
    assert quota.take(after_timeout=True) == 10


def test_a_kept_connection_that_was_closed_is_replaced_without_a_retry() -> None:
    with ScriptedServer(Answer(), Answer(cut=True), Answer(content={"ok": 1})) as server:
        aws, slept = client(server)
        aws.call("sqs", "SendMessageBatch")
        assert aws.call("sqs", "SendMessageBatch") == {"ok": 1}
        assert slept == [] and server.connections == 2


def test_a_connection_from_before_a_freeze_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pitfall 16: after a restore or a long freeze the peer may have gone silently."""
    with ScriptedServer() as server:
        aws, _ = client(server)
        aws.call("sqs", "SendMessageBatch")
        now = time.time
        monkeypatch.setattr("edge.service.time.time", lambda: now() + 31)
        aws.call("sqs", "SendMessageBatch")
        assert server.connections == 2


def test_a_peer_that_closes_after_its_answer_is_noticed() -> None:
    with ScriptedServer(Answer(close=True), Answer()) as server:
        aws, slept = client(server)
        aws.call("sqs", "SendMessageBatch")
        aws.call("sqs", "SendMessageBatch")
        assert server.connections == 2 and slept == []


def test_a_server_that_does_not_answer_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "READ_TIMEOUT_SECONDS", 0.05)
    with ScriptedServer(*[Answer(delay=5)] * 3) as server:
        aws, _ = client(server)
        with pytest.raises(AwsError) as raised:
            aws.call("sqs", "SendMessageBatch")
        assert raised.value.code == "Timeout" and len(server.asked) == 3


def test_no_attempt_begins_after_the_time_to_give_up() -> None:
    with ScriptedServer(*[Answer(status=500)] * 3) as server:
        aws, slept = client(server)
        aws.give_up_at = time.monotonic() - 1
        with pytest.raises(AwsError, match=r"Timeout.*SendMessageBatch"):
            aws.call("sqs", "SendMessageBatch")
        assert server.asked == [] and slept == []


def test_waiting_ends_at_the_time_to_give_up() -> None:
    with ScriptedServer(Answer(delay=30)) as server:
        aws, _ = client(server)
        started = time.monotonic()
        aws.give_up_at = started + 0.2
        with pytest.raises(AwsError, match="Timeout"):
            aws.call("sqs", "SendMessageBatch")
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("status", [200, 400])
def test_a_body_that_comes_byte_by_byte_ends_at_the_time_to_give_up(status: int) -> None:
    """Each byte comes in time, all of them do not."""
    with ScriptedServer(Answer(status=status, content=b" " * 100, drip=0.05)) as server:
        aws, _ = client(server)
        started = time.monotonic()
        aws.give_up_at = started + 0.3
        with pytest.raises(AwsError) as raised:
            aws.call("sqs", "SendMessageBatch")
        assert raised.value.code == "Timeout" and time.monotonic() - started < 1.5


def test_a_body_that_ends_too_early_is_tried_again() -> None:
    with ScriptedServer(Answer(content=b'{"a": 1}', lacking=5), Answer(content={"b": 2})) as server:
        assert client(server)[0].call("sqs", "SendMessageBatch") == {"b": 2}


def test_expired_credentials_are_read_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(EXPIRED, Answer(content={"ok": 1}), EXPIRED, EXPIRED) as server:
        aws, slept = client(server)
        assert aws.call("sqs", "SendMessageBatch") == {"ok": 1}
        assert slept == []
        with pytest.raises(AwsError, match="ExpiredTokenException"):
            aws.call("sqs", "SendMessageBatch")
        assert len(server.asked) == 4


def test_a_wrong_clock_is_corrected_once() -> None:
    ahead = email.utils.formatdate(time.time() + 3600, usegmt=True)
    skewed = Answer(
        status=403, content={"__type": "x#InvalidSignatureException"}, headers={"Date": ahead}
    )
    with ScriptedServer(skewed, Answer(content={"ok": 1}), skewed) as server:
        aws, _ = client(server)
        assert aws.call("sqs", "SendMessageBatch") == {"ok": 1}
        first, second = (asked.headers["x-amz-date"] for asked in server.asked)
        assert second > first
        with pytest.raises(AwsError, match="InvalidSignatureException"):
            aws.call("sqs", "SendMessageBatch")


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}', {}, "QueueDoesNotExist"),
        (b'{"code":"Short"}', {}, "Short"),
        (b"", {"x-amzn-errortype": "FromHeader:http://internal"}, "FromHeader"),
        (b"<html>", {}, "502"),
        (b"[1]", {}, "502"),
    ],
)
def test_error_codes_are_found_where_services_put_them(
    body: bytes, headers: dict[str, str], code: str
) -> None:
    assert error_of(502, headers, body).code == code


def test_the_codes_are_botocores() -> None:
    throttled = standard.ThrottledRetryableChecker
    assert frozenset(throttled._THROTTLED_ERROR_CODES) == errors.THROTTLING_CODES
    transient = standard.TransientRetryableChecker
    assert frozenset(transient._TRANSIENT_ERROR_CODES) == errors.TRANSIENT_CODES
    assert frozenset(transient._TRANSIENT_STATUS_CODES) == errors.TRANSIENT_STATUS


@pytest.mark.filterwarnings("ignore:Fetching the endpoint_resolver:DeprecationWarning")
@pytest.mark.parametrize("service", sorted(TARGETS))
def test_endpoints_are_botocores_in_every_region(service: str) -> None:
    session = botocore.session.get_session()
    resolver = session.get_component("endpoint_resolver")
    regions = [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions(service, partition)
    ]
    assert len(regions) > 25
    for region in regions:
        expected = resolver.construct_endpoint(service, region)["hostname"]
        assert endpoint_of(service, region=region, environ={}) == f"https://{expected}"


def test_configured_endpoints_come_first() -> None:
    environ = {"AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_SQS": "http://queue:2"}
    assert endpoint_of("sqs", region="r", environ=environ) == "http://queue:2"
    assert endpoint_of("dynamodb", region="r", environ=environ) == "http://all:1"
    ignored = {**environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert endpoint_of("sqs", region="eu-west-1", environ=ignored).endswith("amazonaws.com")


def test_endpoints_that_this_client_does_not_know_are_refused_by_name() -> None:
    with pytest.raises(AwsError, match="AWS_USE_FIPS_ENDPOINT is set; set AWS_ENDPOINT_URL_SQS"):
        endpoint_of("sqs", region="us-east-1", environ={"AWS_USE_FIPS_ENDPOINT": "true"})


@pytest.mark.parametrize(
    "url", ["", "ftp://host", "http://", "http://host:port", "//host", "http://user@host"]
)
def test_an_endpoint_that_is_no_url_is_named(url: str) -> None:
    with pytest.raises(AwsError, match=r"InvalidEndpoint.*correct it"):
        Service("sqs", region="r", url=url, tls=Aws({}).tls_context)


@pytest.mark.parametrize(
    ("url", "host", "name", "port"),
    [
        ("http://127.0.0.1:4566", "127.0.0.1:4566", "127.0.0.1", 4566),
        ("https://sqs.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com",
         "sqs.eu-west-1.amazonaws.com", 443),
        ("https://Host:443/base", "host", "Host", 443),
        ("http://[::1]:80", "[::1]", "::1", 80),
        ("https://[::1]", "[::1]", "::1", 443),
    ],
)  # fmt: skip
def test_hosts_are_signed_as_they_are_sent(url: str, host: str, name: str, port: int) -> None:
    service = Service("sqs", region="r", url=url, tls=Aws({}).tls_context)
    assert (service.host, service._name, service._port) == (host, name, port)


def test_an_unknown_service_is_sent_to_boto3() -> None:
    with pytest.raises(ValueError, match=r"s3: choose one of bedrock-agent, .*sqs, or use boto3"):
        Aws(KEYS).call("s3", "GetObject")


def test_a_missing_region_is_named() -> None:
    with pytest.raises(AwsError, match="AWS_REGION is not set; set it"):
        Aws({}).call("sqs", "SendMessageBatch")


# --- certificates ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: TLS verification needs the openssl command; install openssl")
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(made)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return made, context


def test_a_certificate_of_amazons_authorities_needs_no_other(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, tls = certificate
    monkeypatch.setattr(module, "AMAZON_ROOTS", str(made))
    with ScriptedServer(Answer(content={"ok": 1}), tls=tls) as server:
        aws, slept = client(server)
        assert aws.call("sqs", "SendMessageBatch") == {"ok": 1}
        assert server.connections == 1 and slept == []


def test_other_authorities_are_tried_when_amazons_do_not_do(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, tls = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(made))  # where OpenSSL looks for the system's
    with ScriptedServer(Answer(content={"ok": 1}), tls=tls) as server:
        aws, slept = client(server)
        assert aws.call("sqs", "SendMessageBatch") == {"ok": 1}
        assert slept == []


def test_a_certificate_of_nobody_is_refused_with_a_remedy(
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    with ScriptedServer(tls=certificate[1]) as server:
        aws, slept = client(server)
        with pytest.raises(AwsError, match=r"CertificateError.*set AWS_CA_BUNDLE"):
            aws.call("sqs", "SendMessageBatch")
        assert server.asked == [] and slept == []


def test_a_configured_bundle_is_the_only_one(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, tls = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    with ScriptedServer(tls=tls) as server:
        aws, _ = client(server, AWS_CA_BUNDLE=AMAZON_ROOTS)
        with pytest.raises(AwsError, match="CertificateError"):
            aws.call("sqs", "SendMessageBatch")
        assert client(server, AWS_CA_BUNDLE=str(made))[0].call("sqs", "SendMessageBatch") == {}


def test_a_bundle_that_is_missing_is_named_while_the_function_initialises() -> None:
    with pytest.raises(AwsError, match=r"/no/such.pem: .*correct AWS_CA_BUNDLE"):
        Aws({**KEYS, "AWS_CA_BUNDLE": "/no/such.pem"}).prepare("sqs")


def test_amazons_authorities_are_those_of_mozillas_list() -> None:
    bundle = Path(botocore.__file__).parent / "cacert.pem"
    trusted = ssl.create_default_context(cafile=str(bundle)).get_ca_certs()
    ours = ssl.create_default_context(cafile=AMAZON_ROOTS).get_ca_certs()
    assert len(ours) == 5
    for authority in ours:
        assert authority in trusted
        years = (ssl.cert_time_to_seconds(authority["notAfter"]) - time.time()) / 31_557_600
        assert years > 2, "take the current list of Amazon Trust Services"
