"""S3 for jobs: the fast path and botocore behave alike, and what only botocore knows goes there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff as StandardRetryDelay

from tests.worker.s3_server import Canned, S3Server
from worker.aws import S3, AwsError
from worker.aws_config import AwsConfig
from worker.botocore_path import BotocoreS3
from worker.doors import AwsDoor
from worker.s3 import FastS3

KEYS = ["plain", "a/b c/ü?#%&+.txt", "//double", "tilde~and'quote", "…/日本", "..", "a/../b"]


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    with S3Server("documents", "with.dots") as started:
        yield started


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    monkeypatch.setattr("worker.signed_http.delay_before_retry", lambda _: 0.001)
    monkeypatch.setattr(StandardRetryDelay, "delay_amount", lambda *_: 0.001)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.url)
    running.reset()
    return running


CLIENTS: dict[str, Any] = {}


@pytest.fixture
def slow(server: S3Server, door: AwsDoor) -> BotocoreS3:
    """One botocore client for the module: to make one takes longer than the rest of a test."""
    client = CLIENTS.setdefault(server.url, None) or door.client("s3")
    CLIENTS[server.url] = client
    return BotocoreS3(lambda: client)


@pytest.fixture
def fast(server: S3Server, door: AwsDoor) -> FastS3:
    s3 = door.s3
    assert isinstance(s3, FastS3)
    return s3


@pytest.fixture(params=["fast", "botocore"])
def s3(request: pytest.FixtureRequest, fast: FastS3, slow: BotocoreS3) -> S3:
    return fast if request.param == "fast" else slow


def code(caught: pytest.ExceptionInfo[AwsError]) -> tuple[str, int, bool]:
    return caught.value.code, caught.value.status, caught.value.retryable


# --- the same by both paths -----------------------------------------------------------------------


def test_what_was_written_is_read(s3: S3) -> None:
    etag = s3.put_object("documents", "key", b"body", content_type="text/plain")
    found = s3.get_object("documents", "key")
    assert (found.body, found.etag, found.size) == (b"body", etag, 4)
    assert found.content_type == "text/plain"
    head = s3.head_object("documents", "key")
    assert (head.etag, head.size, head.content_type) == (etag, 4, "text/plain")


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_all_kinds(fast: FastS3, slow: BotocoreS3, key: str) -> None:
    """Written by one path, read by the other."""
    fast.put_object("documents", key, key.encode())
    if not key.startswith("..") and "/../" not in key:
        assert slow.get_object("documents", key).body == key.encode()
    assert fast.get_object("documents", key).body == key.encode()


def test_empty_and_large_objects(s3: S3) -> None:
    large = bytes(range(256)) * 8192
    s3.put_object("documents", "empty", b"")
    s3.put_object("documents", "large", large)
    assert s3.get_object("documents", "empty").body == b""
    assert s3.get_object("documents", "large").body == large


def test_versions(server: S3Server, s3: S3) -> None:
    server.keep_versions("documents")
    s3.put_object("documents", "key", b"one")
    first = s3.get_object("documents", "key").version_id
    s3.put_object("documents", "key", b"two")
    assert first is not None
    assert s3.get_object("documents", "key", version_id=first).body == b"one"
    assert s3.head_object("documents", "key", version_id=first).version_id == first
    assert s3.get_object("documents", "key").body == b"two"


def test_conditional_writes(s3: S3) -> None:
    etag = s3.put_object("documents", "key", b"one", if_none_match="*")
    with pytest.raises(AwsError) as caught:
        s3.put_object("documents", "key", b"two", if_none_match="*")
    assert code(caught) == ("PreconditionFailed", 412, False)
    s3.put_object("documents", "key", b"three", if_match=etag)
    with pytest.raises(AwsError) as caught:
        s3.put_object("documents", "key", b"four", if_match=etag)
    assert caught.value.code == "PreconditionFailed"
    assert s3.get_object("documents", "key").body == b"three"


def test_objects_above_the_limit_are_not_read(s3: S3) -> None:
    s3.put_object("documents", "key", b"x" * 200_000)
    with pytest.raises(AwsError, match="200000 bytes") as caught:
        s3.get_object("documents", "key", max_bytes=1000)
    assert code(caught) == ("TooLarge", 0, False)
    assert s3.get_object("documents", "key", max_bytes=200_000).size == 200_000


def test_what_is_missing_is_told_apart(s3: S3) -> None:
    with pytest.raises(AwsError) as caught:
        s3.get_object("documents", "missing")
    assert code(caught) == ("NoSuchKey", 404, False)
    with pytest.raises(AwsError) as caught:
        s3.get_object("missing-bucket", "key")
    assert code(caught) == ("NoSuchBucket", 404, False)
    with pytest.raises(AwsError) as caught:
        s3.head_object("documents", "missing")
    assert code(caught) == ("NotFound", 404, False)


def test_errors_above_the_limit_of_the_object_are_still_read(s3: S3) -> None:
    with pytest.raises(AwsError) as caught:
        s3.get_object("documents", "missing", max_bytes=1)
    assert caught.value.code == "NoSuchKey"


def test_two_server_errors_are_survived(server: S3Server, s3: S3) -> None:
    s3.put_object("documents", "key", b"body")
    error = Canned(503, b"<Error><Code>SlowDown</Code><Message>later</Message></Error>")
    server.canned = [error, error]
    assert s3.get_object("documents", "key").body == b"body"


def test_a_service_that_stays_slow_is_an_error_for_later(server: S3Server, s3: S3) -> None:
    server.canned = [
        Canned(503, b"<Error><Code>SlowDown</Code><Message>later</Message></Error>")
        for _ in range(5)
    ]
    with pytest.raises(AwsError) as caught:
        s3.put_object("documents", "key", b"body")
    assert code(caught) == ("SlowDown", 503, True)


def test_names_that_no_object_can_have_are_refused_without_a_call(server: S3Server, s3: S3) -> None:
    """An empty key would read the bucket's listing as if it were a document."""
    for bucket, key in (("documents", ""), ("", "key"), ("", "")):
        for call in (
            lambda b=bucket, k=key: s3.get_object(b, k),
            lambda b=bucket, k=key: s3.head_object(b, k),
            lambda b=bucket, k=key: s3.put_object(b, k, b""),
        ):
            with pytest.raises(AwsError) as caught:
                call()
            assert not caught.value.retryable
    assert server.requests == []


@pytest.mark.parametrize("value", ["text/plain\r\nx-amz-acl: public-read", "text/pläin", "a\nb"])
def test_a_content_type_cannot_smuggle_headers(server: S3Server, fast: FastS3, value: str) -> None:
    with pytest.raises(AwsError, match="content-type") as caught:
        fast.put_object("documents", "key", b"", content_type=value)
    assert code(caught) == ("InvalidHeader", 0, False)
    assert server.requests == []


# --- what the fast path leaves to botocore --------------------------------------------------------


class Fallback:
    """Writes down what is asked of botocore."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        def call(bucket: str, *_: object, **__: object) -> str:
            self.asked.append(f"{name} {bucket}")
            return name

        return call


@pytest.fixture
def fallback(fast: FastS3) -> Fallback:
    made = Fallback()
    fast._fallback = made  # type: ignore[assignment]
    return made


@pytest.mark.parametrize(
    "bucket",
    ["arn:aws:s3:eu-west-1:1:accesspoint/x", "directory--euw1-az1--x-s3"],
)
def test_access_points_and_directory_buckets_go_through_botocore(
    server: S3Server, fast: FastS3, fallback: Fallback, bucket: str
) -> None:
    fast.get_object(bucket, "key")
    fast.head_object(bucket, "key")
    fast.put_object(bucket, "key", b"")
    assert fallback.asked == [f"{n}_object {bucket}" for n in ("get", "head", "put")]
    assert server.requests == []


REDIRECTS = [
    Canned(301, b"<Error><Code>PermanentRedirect</Code><Message>x</Message></Error>"),
    Canned(307, b"<Error><Code>TemporaryRedirect</Code><Message>x</Message></Error>"),
    Canned(400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>x</Message></Error>"),
]


@pytest.mark.parametrize("redirect", REDIRECTS, ids=lambda canned: str(canned.status))
@pytest.mark.parametrize("operation", ["get", "put"])
def test_a_bucket_in_another_region_goes_through_botocore_from_then_on(
    server: S3Server,
    fast: FastS3,
    fallback: Fallback,
    redirect: Canned,
    operation: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.canned = [redirect]
    for _ in range(3):
        if operation == "get":
            fast.get_object("documents", "key")
        else:
            fast.put_object("documents", "key", b"")
    assert fallback.asked == [f"{operation}_object documents"] * 3
    assert len(server.requests) == 1
    (record,) = caplog.records
    assert (record.bucket, "another Region" in record.message) == ("documents", True)


@pytest.mark.parametrize("status", [301, 400])
def test_an_answer_to_head_without_a_reason_is_asked_from_botocore(
    server: S3Server, fast: FastS3, fallback: Fallback, status: int
) -> None:
    """S3 answers 400 to HEAD for a bucket of another Region, and says no more."""
    server.canned = [Canned(status)]
    fast.head_object("documents", "key")
    assert fallback.asked == ["head_object documents"]


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1"])
def test_objects_have_botocores_addresses(region: str) -> None:
    """Elsewhere than in us-east-1, where botocore still prefers the old global endpoint."""
    door = AwsDoor(AwsConfig(region=region), logger=logging.getLogger())
    s3 = door.s3
    assert isinstance(s3, FastS3)
    theirs: list[str] = []

    def answer(request: object, **_: object) -> _Answer:
        theirs.append(request.url)  # type: ignore[attr-defined]
        return _Answer()

    client = AwsConfig(region=region).client("s3")
    client.meta.events.register_last("before-send.s3.*", answer)
    for bucket in ("documents", "with.dots", "UPPER", "a" * 63, "x_y"):
        address = s3.address(bucket, "a b/c")
        client.head_object(Bucket=bucket, Key="a b/c")
        host = address.host or s3._http.endpoint.host
        assert theirs[-1] == f"https://{host}{address.path}"


class _Answer:
    """What botocore takes for an HTTP response."""

    status_code = 200
    headers: dict[str, str] = {}  # noqa: RUF012
    content = b""


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")],
)
def test_unusual_endpoints_of_s3_go_through_botocore_and_it_is_said(
    door: AwsDoor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    assert isinstance(door.s3, BotocoreS3)
    (record,) = caplog.records
    assert (record.service, "FIPS or dual-stack" in record.reason) == ("s3", True)


@pytest.mark.parametrize(
    ("lines", "fast_path", "virtual"),
    [
        ("use_accelerate_endpoint = true", False, False),
        ("addressing_style = path", True, False),
        ("addressing_style = virtual", True, True),
        ("addressing_style = auto", True, True),
    ],
)
def test_the_s3_section_of_the_shared_file(  # type: ignore[no-untyped-def]
    door: AwsDoor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path,
    lines: str,
    fast_path: bool,
    virtual: bool,
) -> None:
    (tmp_path / "config").write_text(f"[default]\ns3 =\n  {lines}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    s3 = door.s3
    assert isinstance(s3, FastS3) is fast_path
    if isinstance(s3, FastS3):
        assert (s3.address("documents", "key").host is not None) is virtual
