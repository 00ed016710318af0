"""What becomes of a message whose document cannot be prepared: done, retry or reject."""

from __future__ import annotations

import pytest

from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.pdf_files import pdf
from tests.jobs.preparing import KEY, TEXT, announced, fail, message, upload
from worker.aws import AwsError
from worker.jobs.prepare_document import PrepareDocument
from worker.outcomes import Reject, Retry


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
