"""The job: the newest version wins, twice does no harm, and every failure has its outcome."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.jobs.memory_s3 import MemoryAws, MemoryS3
from tests.jobs.pdf_files import pdf
from worker.aws import AwsError
from worker.jobs.prepare_document import PrepareDocument, open_job
from worker.jobs.prepared_documents import ROUNDS
from worker.message import Message
from worker.outcomes import Reject, Retry

KEY = "incoming/a.md"
TEXT = "incoming/a.md.txt"
METADATA = "incoming/a.md.txt.metadata.json"


def message(body: object) -> Message:
    text = body if isinstance(body, str) else json.dumps(body)
    return Message(body=text, message_id="1", receive_count=1, attributes={})


def announced(*keys: str, bucket: str = "documents") -> Message:
    records = [
        {
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket}, "object": {"key": key, "versionId": "v1"}},
        }
        for key in keys
    ]
    return message({"Records": records})


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3("documents", "prepared")


@pytest.fixture
def job(s3: MemoryS3) -> PrepareDocument:
    return job_with(s3)


def job_with(s3: MemoryS3) -> PrepareDocument:
    environ = {
        "WORKER_DOCUMENTS_BUCKET": "documents",
        "WORKER_PREPARED_BUCKET": "prepared",
        "WORKER_MAX_DOCUMENT_BYTES": "100000",
    }
    return open_job(environ, aws=MemoryAws(s3))


def upload(s3: MemoryS3, body: str | bytes, key: str = KEY, content_type: str = "") -> None:
    content = body.encode() if isinstance(body, str) else body
    s3.put_object("documents", key, content, content_type=content_type)
    s3.calls.clear()


def attributes(s3: MemoryS3, key: str = METADATA) -> dict[str, str]:
    found = json.loads(s3.body("prepared", key))["metadataAttributes"]
    return {name: each["value"]["stringValue"] for name, each in found.items()}


# --- what is written ------------------------------------------------------------------------------


def test_a_document_becomes_text_and_metadata(s3: MemoryS3, job: PrepareDocument) -> None:
    upload(s3, "# Queues\n\nA *queue*.")
    job.run(message({"key": KEY}))
    assert s3.keys("prepared") == [TEXT, METADATA]
    assert s3.body("prepared", TEXT) == b"Queues\n\nA queue.\n"
    assert s3.stored("prepared", TEXT).content_type == "text/plain; charset=utf-8"
    assert s3.stored("prepared", METADATA).content_type == "application/json"
    assert attributes(s3) == {
        "source_version": "v1",
        "format": "markdown",
        "title": "Queues",
        "source_uri": "s3://documents/incoming/a.md",
    }


@pytest.mark.parametrize(
    ("key", "body", "expected"),
    [
        ("a.json", b'{"a": "text"}', b"a: text\n"),
        ("a.html", b"<p>text", b"text\n"),
        ("a.txt", b"text", b"text\n"),
        ("a.pdf", pdf("text"), b"text\n"),
    ],
)
def test_every_format_is_prepared(
    s3: MemoryS3, job: PrepareDocument, key: str, body: bytes, expected: bytes
) -> None:
    upload(s3, body, key)
    job.run(announced(key))
    assert s3.body("prepared", f"{key}.txt") == expected


def test_the_first_time_costs_one_read_and_two_writes(s3: MemoryS3, job: PrepareDocument) -> None:
    """The metadata is written first: a reader never sees text without it."""
    upload(s3, "text")
    job.run(announced(KEY))
    assert s3.calls == [("get", KEY), ("put", METADATA), ("put", TEXT)]


def test_no_ledger_is_needed(s3: MemoryS3, job: PrepareDocument) -> None:
    upload(s3, "text")
    assert job.key(announced(KEY).body) is None
    job.run(announced(KEY))
    before = [s3.body("prepared", key) for key in (TEXT, METADATA)]
    job.run(announced(KEY))
    job.run(message({"key": KEY}))
    assert s3.keys("prepared") == [TEXT, METADATA]
    assert [s3.body("prepared", key) for key in (TEXT, METADATA)] == before


def test_without_versions_the_etag_tells_contents_apart() -> None:
    s3 = MemoryS3("documents", "prepared", versioned=False)
    upload(s3, "text")
    job_with(s3).run(message({"key": KEY}))
    assert attributes(s3)["source_version"] == s3.stored("documents", KEY).etag.strip('"')


def test_nothing_is_done_for_a_test_event(s3: MemoryS3, job: PrepareDocument) -> None:
    job.run(message({"Event": "s3:TestEvent"}))
    assert s3.calls == []


# --- order ----------------------------------------------------------------------------------------


def once(operation: str, key: str, act: Callable[[], object]) -> Callable[[str, str], None]:
    """A hook that acts ahead of the first such call."""
    waiting = [act]

    def hook(called: str, called_key: str) -> None:
        if (called, called_key) == (operation, key) and waiting:
            waiting.pop()()

    return hook


def test_a_late_message_prepares_the_newest_version(s3: MemoryS3, job: PrepareDocument) -> None:
    upload(s3, "old")
    upload(s3, "new")
    job.run(announced(KEY))  # names version v1
    assert s3.body("prepared", TEXT) == b"new\n"
    assert attributes(s3)["source_version"] == "v2"


@pytest.mark.parametrize(
    ("operation", "key"), [("put", METADATA), ("put", TEXT), ("head", METADATA), ("head", TEXT)]
)
@pytest.mark.parametrize("prepared_before", [False, True])
def test_a_slow_worker_never_undoes_a_newer_version(
    s3: MemoryS3, job: PrepareDocument, operation: str, key: str, prepared_before: bool
) -> None:
    """It has read the old version; the new one is uploaded and prepared before it goes on."""
    upload(s3, "oldest")
    if prepared_before:
        job.run(announced(KEY))
        upload(s3, "old")

    def overtake() -> None:
        upload(s3, "new")
        job_with(s3).run(announced(KEY))
        assert s3.body("prepared", TEXT) == b"new\n"

    s3.before = once(operation, key, overtake)
    job.run(announced(KEY))
    if operation == "head" and not prepared_before:  # nothing was in the way, so no second look
        overtake()
    newest = s3.stored("documents", KEY).version_id
    assert s3.body("prepared", TEXT) == b"new\n"
    assert attributes(s3)["source_version"] == newest


def test_at_no_moment_is_a_newer_text_replaced_by_an_older(
    s3: MemoryS3, job: PrepareDocument
) -> None:
    upload(s3, "1")
    seen: list[bytes] = []

    def watch(operation: str, key: str) -> None:
        if TEXT in s3.keys("prepared"):
            seen.append(s3.body("prepared", TEXT))

    def overtake() -> None:
        upload(s3, "2")
        job_with(s3).run(announced(KEY))

    interrupt = once("put", TEXT, overtake)
    s3.before = lambda operation, key: (watch(operation, key), interrupt(operation, key))[0]
    job.run(announced(KEY))
    watch("end", "")
    assert seen == sorted(seen)
    assert seen[-1] == b"2\n"


def test_content_that_returns_does_not_confuse_the_order(
    s3: MemoryS3, job: PrepareDocument
) -> None:
    """The text of version 3 equals that of version 1, but its metadata names another version."""
    upload(s3, "a")
    job.run(announced(KEY))
    upload(s3, "b")

    def overtake() -> None:
        upload(s3, "a")
        job_with(s3).run(announced(KEY))

    s3.before = once("put", METADATA, overtake)
    job.run(announced(KEY))
    assert s3.body("prepared", TEXT) == b"a\n"
    assert attributes(s3)["source_version"] == s3.stored("documents", KEY).version_id


def test_a_worker_that_died_between_the_writes_is_made_good(
    s3: MemoryS3, job: PrepareDocument
) -> None:
    upload(s3, "text")

    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    s3.before = once("put", TEXT, die)
    with pytest.raises(Died):
        job.run(announced(KEY))
    assert s3.keys("prepared") == [METADATA]
    job.run(announced(KEY))
    assert s3.body("prepared", TEXT) == b"text\n"


def test_a_write_whose_answer_was_lost_is_no_failure(s3: MemoryS3, job: PrepareDocument) -> None:
    """The client repeats the request and S3 says that the object exists: by this very worker."""
    upload(s3, "text")
    s3.before = once(
        "put", METADATA, lambda: s3.put_object("prepared", METADATA, b"{}", if_none_match="*")
    )
    job.run(announced(KEY))
    assert attributes(s3)["source_version"] == "v1"


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_losing_every_race_is_a_retry(s3: MemoryS3, job: PrepareDocument, code: str) -> None:
    upload(s3, "text")
    fail(s3, "put", AwsError(code, 409, "", False))
    with pytest.raises(Retry, match=f"was written by others {ROUNDS} times"):
        job.run(announced(KEY))


def test_files_deleted_while_they_are_replaced_are_written_anew(
    s3: MemoryS3, job: PrepareDocument
) -> None:
    upload(s3, "old")
    job.run(announced(KEY))
    upload(s3, "new")
    puts = iter(range(100))

    def clean_up(operation: str, key: str) -> None:
        if operation == "put" and next(puts) == 1:  # after the look, ahead of the write
            s3.delete("prepared", METADATA)
            s3.delete("prepared", TEXT)

    s3.before = clean_up
    job.run(announced(KEY))
    assert s3.body("prepared", TEXT) == b"new\n"


# --- outcomes -------------------------------------------------------------------------------------


def fail(s3: MemoryS3, operation: str, error: AwsError) -> None:
    def hook(called: str, key: str) -> None:
        if called == operation:
            raise error

    s3.before = hook


def test_a_document_that_was_deleted_is_done(
    s3: MemoryS3, job: PrepareDocument, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        job.run(announced(KEY))
        job.run(message({"key": KEY, "versionId": "v1"}))
    assert s3.keys("prepared") == []
    assert [record.message for record in caplog.records] == [
        "document was deleted after it was announced; nothing to prepare"
    ] * 2


def test_a_document_that_is_not_there_yet_is_a_retry(s3: MemoryS3, job: PrepareDocument) -> None:
    with pytest.raises(
        Retry, match=r"key: s3://documents/incoming/a.md does not exist \(yet\); up"
    ):
        job.run(message({"key": KEY}))
    upload(s3, "text")
    job.run(message({"key": KEY}))
    assert s3.body("prepared", TEXT) == b"text\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "document: is empty"),
        (b"x" * 100_001, "is larger than 100,000 bytes; split it, or raise WORKER_MAX_DOCUMENT"),
        (b"\x89PNG\r\n\x1a\n", "document: is a PNG image"),
        (pdf("a", owner_password="o", user_password="u"), "document: is an encrypted PDF"),
        (b"%PDF-1.7 broken", "document: the PDF is not readable"),
    ],
)
def test_an_unreadable_document_is_rejected_by_name(
    s3: MemoryS3, job: PrepareDocument, body: bytes, reason: str
) -> None:
    upload(s3, body)
    with pytest.raises(Reject) as rejected:
        job.run(announced(KEY))
    assert rejected.value.reason.startswith("s3://documents/incoming/a.md: ")
    assert reason in rejected.value.reason
    assert s3.keys("prepared") == []


def test_an_unreadable_new_version_leaves_the_old_text(s3: MemoryS3, job: PrepareDocument) -> None:
    upload(s3, "text")
    job.run(announced(KEY))
    upload(s3, b"\0")
    with pytest.raises(Reject):
        job.run(announced(KEY))
    assert s3.body("prepared", TEXT) == b"text\n"


def test_another_bucket_is_rejected(s3: MemoryS3, job: PrepareDocument) -> None:
    with pytest.raises(Reject, match="bucket: is 'other', this fleet prepares documents of 'docum"):
        job.run(announced(KEY, bucket="other"))
    assert s3.calls == []


def test_a_key_without_room_for_the_suffixes_is_rejected(job: PrepareDocument) -> None:
    with pytest.raises(Reject, match="key: has 1007 bytes, at most 1006 leave room"):
        job.run(announced("k" * 1007))


def test_the_longest_key_is_prepared(s3: MemoryS3, job: PrepareDocument) -> None:
    key = "k" * 1006
    upload(s3, "text", key)
    job.run(announced(key))
    assert max(len(each) for each in s3.keys("prepared")) == 1024


@pytest.mark.parametrize(
    ("code", "status", "retryable", "remedy"),
    [
        ("AccessDenied", 403, False, "allow s3:GetObject"),
        ("NoSuchBucket", 404, False, "correct WORKER_DOCUMENTS_BUCKET"),
        ("SlowDown", 503, True, "it passes by itself"),
        ("Timeout", 0, True, "it passes by itself"),
        ("KMS.DisabledException", 400, False, "enable the KMS key"),
        ("ExpiredToken", 400, False, "look the code up"),
    ],
)
def test_what_may_pass_or_be_repaired_is_a_retry(
    s3: MemoryS3, job: PrepareDocument, code: str, status: int, retryable: bool, remedy: str
) -> None:
    upload(s3, "text")
    fail(s3, "get", AwsError(code, status, "said S3", retryable))
    with pytest.raises(Retry) as retried:
        job.run(announced(KEY))
    assert retried.value.reason.startswith("s3://documents/incoming/a.md: cannot be read")
    assert code in retried.value.reason
    assert remedy in retried.value.reason


@pytest.mark.parametrize(
    ("code", "status", "remedy"),
    [
        ("InvalidObjectState", 403, "is archived; restore it"),
        ("InvalidRequest", 400, "without its customer-provided key"),
    ],
)
def test_an_object_that_cannot_be_read_is_rejected(
    s3: MemoryS3, job: PrepareDocument, code: str, status: int, remedy: str
) -> None:
    upload(s3, "text")
    fail(s3, "get", AwsError(code, status, "said S3", False))
    with pytest.raises(Reject, match=remedy):
        job.run(announced(KEY))


@pytest.mark.parametrize("operation", ["put", "head"])
@pytest.mark.parametrize(
    ("code", "remedy"),
    [("AccessDenied", "allow s3:PutObject"), ("SlowDown", "it passes by itself")],
)
def test_trouble_with_the_prepared_bucket_is_a_retry(
    s3: MemoryS3, job: PrepareDocument, operation: str, code: str, remedy: str
) -> None:
    upload(s3, "text")
    job.run(announced(KEY))
    fail(s3, operation, AwsError(code, 503, "said S3", code == "SlowDown"))
    with pytest.raises(Retry) as retried:
        job.run(announced(KEY))
    assert "s3://prepared/incoming/a.md.txt: cannot be written" in retried.value.reason
    assert remedy in retried.value.reason


def test_one_bad_document_does_not_hold_up_the_others(s3: MemoryS3, job: PrepareDocument) -> None:
    for key, body in (("a", b"\0\0"), ("b", b"text"), ("c", b"\x1f\x8b")):
        upload(s3, body, key)
    with pytest.raises(Reject, match=r"s3://documents/a: .*; s3://documents/c: "):
        job.run(announced("a", "b", "c"))
    assert s3.body("prepared", "b.txt") == b"text\n"


def test_a_message_is_tried_again_if_any_of_its_documents_may_succeed(
    s3: MemoryS3, job: PrepareDocument
) -> None:
    upload(s3, b"\0\0", "a")
    upload(s3, b"text", "b")

    def hook(operation: str, key: str) -> None:
        if (operation, key) == ("get", "b"):
            raise AwsError("SlowDown", 503, "", True)

    s3.before = hook
    with pytest.raises(Retry, match="s3://documents/b"):
        job.run(announced("a", "b"))


# --- settings -------------------------------------------------------------------------------------

ENVIRON = {"WORKER_DOCUMENTS_BUCKET": "documents", "WORKER_PREPARED_BUCKET": "prepared"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"WORKER_DOCUMENTS_BUCKET": ""}, "WORKER_DOCUMENTS_BUCKET is not set"),
        ({"WORKER_PREPARED_BUCKET": " "}, "WORKER_PREPARED_BUCKET is not set"),
        ({"WORKER_PREPARED_BUCKET": "documents"}, "name two buckets"),
        ({"WORKER_MAX_DOCUMENT_BYTES": "0"}, "WORKER_MAX_DOCUMENT_BYTES='0'"),
        ({"WORKER_MAX_DOCUMENT_BYTES": "many"}, "WORKER_MAX_DOCUMENT_BYTES='many'"),
    ],
)
def test_a_wrong_setting_is_named_with_a_remedy(
    s3: MemoryS3, change: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        open_job({**ENVIRON, **change}, aws=MemoryAws(s3))


def test_the_size_limit_has_a_default(s3: MemoryS3) -> None:
    upload(s3, b"x" * 200_000, "a.txt")
    open_job(ENVIRON, aws=MemoryAws(s3)).run(message({"key": "a.txt"}))
    assert len(s3.body("prepared", "a.txt.txt")) == 200_001
