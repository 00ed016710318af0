"""The job: what is written, that twice does no harm, and its settings."""

from __future__ import annotations

import pytest

from tests.jobs.memory_s3 import MemoryAws, MemoryS3
from tests.jobs.pdf_files import pdf
from tests.jobs.preparing import (
    KEY,
    METADATA,
    TEXT,
    announced,
    attributes,
    job_with,
    message,
    upload,
)
from worker.jobs.prepare_document import PrepareDocument, open_job

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
