"""Endpoints, proxies, certificates: the worker decides as botocore would, or lets it decide."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from botocore.session import Session

from tests.worker.sqs_server import SqsServer
from tests.worker.test_http_connection import make_certificate
from worker.aws import AwsError
from worker.aws_config import AwsConfig, parse_endpoint
from worker.botocore_path import BotocoreS3, BotocoreSqs
from worker.doors import AwsDoor
from worker.s3 import FastS3
from worker.sqs import FastSqs

REGIONS = [
    region
    for partition in ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc")
    for region in Session().get_available_regions("sqs", partition)
]


def open_sqs(door: AwsDoor, url: str = "https://x") -> object:
    return door.sqs(queue_url=url, visibility_timeout=1, wait_time=0)


@pytest.mark.parametrize("service", ["sqs", "dynamodb"])
def test_regional_endpoints_are_botocores(service: str) -> None:
    session = Session()
    assert len(REGIONS) > 30
    for region in REGIONS[:: 6 if service == "dynamodb" else 3]:
        theirs = session.create_client(service, region_name=region).meta.endpoint_url
        assert AwsConfig(region=region).endpoint(service).url == theirs


def test_an_unknown_region_follows_its_partitions_pattern() -> None:
    assert AwsConfig(region="eu-north-9").endpoint("sqs").host == "sqs.eu-north-9.amazonaws.com"


@pytest.mark.parametrize("variable", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_fips_and_dual_stack_endpoints_are_asked_from_botocore(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "true")
    theirs = Session().create_client("sqs", region_name="us-east-1").meta.endpoint_url
    assert AwsConfig(region="us-east-1").endpoint("sqs").url == theirs
    assert "fips" in theirs or "api.aws" in theirs


def test_the_services_own_endpoint_url_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9324/base/")
    config = AwsConfig(region="eu-west-1")
    assert config.endpoint("sqs").url == "http://127.0.0.1:9324/base"
    assert config.endpoint("s3").url == "http://127.0.0.1:4566"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert AwsConfig(region="eu-west-1").endpoint("s3").custom is False


def test_the_endpoint_url_of_the_shared_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:1234\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert AwsConfig(region="eu-west-1").endpoint("sqs").port == 1234


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:4566", "http://", "http://x:port"])
def test_wrong_endpoint_urls_are_named(url: str) -> None:
    with pytest.raises(AwsError, match="correct it"):
        parse_endpoint(url, custom=True)


def test_host_headers_hold_the_port_only_when_it_is_unusual() -> None:
    assert parse_endpoint("http://x:80", custom=True).host_header == "x"
    assert parse_endpoint("https://x", custom=True).host_header == "x"
    assert parse_endpoint("http://x:443", custom=True).host_header == "x:443"
    assert parse_endpoint("http://[::1]:4566", custom=True).host_header == "[::1]:4566"


def test_a_proxy_makes_the_worker_use_botocore_and_say_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, door: AwsDoor
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    with caplog.at_level(logging.WARNING):
        assert isinstance(open_sqs(door), BotocoreSqs)
        assert isinstance(door.s3, BotocoreS3)
    assert [record.service for record in caplog.records] == ["sqs", "s3"]
    assert all("botocore" in record.message for record in caplog.records)


def test_no_proxy_keeps_the_fast_path(monkeypatch: pytest.MonkeyPatch, door: AwsDoor) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "amazonaws.com")
    assert isinstance(open_sqs(door), FastSqs)
    assert isinstance(door.s3, FastS3)


def test_a_proxy_for_http_does_not_concern_https(
    monkeypatch: pytest.MonkeyPatch, door: AwsDoor
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    assert isinstance(open_sqs(door), FastSqs)


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_certificates_from_the_configured_bundle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, door: AwsDoor, variable: str
) -> None:
    certificate, context = make_certificate(tmp_path)
    with SqsServer(tls=context) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(AwsError, match="AWS_CA_BUNDLE") as caught:
            open_sqs(door, server.queue_url).receive(1)  # type: ignore[attr-defined]
        assert caught.value.code == "CertificateError"
        monkeypatch.setenv(variable, str(certificate))
        trusting = AwsDoor(AwsConfig(region="eu-west-1"), logger=logging.getLogger())
        assert open_sqs(trusting, server.queue_url).receive(1) == []  # type: ignore[attr-defined]


def test_a_bundle_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch, door: AwsDoor
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent/ca.pem")
    with pytest.raises(AwsError, match=r"/nonexistent/ca\.pem"):
        open_sqs(door)


def test_botocore_serves_the_queue_alike(
    monkeypatch: pytest.MonkeyPatch, server: SqsServer
) -> None:
    """The slow path has the same interface and the same outcomes."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    config = AwsConfig(region="eu-west-1")
    sqs = BotocoreSqs(
        config.client("sqs"), queue_url=server.queue_url, visibility_timeout=30, wait_time=0
    )
    server.send("one", "two", "three")
    one, two, three = sqs.receive(10)
    assert [one.message.body, two.message.body] == ["one", "two"]
    assert one.message.receive_count == 1
    assert sqs.change_visibility([(three.receipt_handle, 0)]) == []
    assert sqs.delete([one.receipt_handle, two.receipt_handle]) == []
    (failure,) = sqs.change_visibility([(one.receipt_handle, 5)])
    assert (failure.entry, failure.code, failure.ours) == (0, "InvalidParameterValue", True)
    assert server.left == 1
    server.exists = False
    with pytest.raises(AwsError) as caught:
        sqs.receive(1)
    assert caught.value.code == "QueueDoesNotExist"
    assert sqs.calls == 5
