"""Of a document's versions the newest wins, whoever is slow, dies or is overtaken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.preparing import KEY, METADATA, TEXT, announced, attributes, fail, job_with, upload
from worker.aws import AwsError
from worker.jobs.prepare_document import PrepareDocument
from worker.jobs.prepared_documents import ROUNDS
from worker.outcomes import Retry


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
