"""The demo's job on the worker's own S3 client and the local AWS: real conditional writes."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

import pytest

from local.corpus import documents
from local.session import LocalAws
from worker.aws import S3, S3Object
from worker.aws_config import AwsConfig
from worker.doors import AwsDoor
from worker.jobs.prepare_document import PrepareDocument, open_job
from worker.message import Message
from worker.outcomes import Retry
from worker.s3 import FastS3

pytestmark = pytest.mark.xdist_group("local-aws")

SOURCES = "job-documents"
PREPARED = "job-prepared"
LAST_VERSION = 11
KEY = "incoming/ü (1) +%20.md"
TEXT = f"{KEY}.txt"
METADATA = f"{TEXT}.metadata.json"


@pytest.fixture(scope="module")
def s3(aws: LocalAws) -> Any:
    client = aws.client("s3")
    for bucket in (SOURCES, PREPARED):
        client.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.record().region}
        )
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return client


class OlderIsSlower:
    """The worker's S3 client; whoever has read an older version pauses longer before writing."""

    def __init__(self, s3: S3) -> None:
        self._s3 = s3
        self.head_object = s3.head_object
        self.put_object = s3.put_object

    def get_object(self, bucket: str, key: str, **options: Any) -> S3Object:
        found = self._s3.get_object(bucket, key, **options)
        if found.body.startswith(b"version "):
            time.sleep((LAST_VERSION - int(found.body.split()[1])) * 0.02)
        return found


@pytest.fixture
def job(aws: LocalAws, s3: Any, monkeypatch: pytest.MonkeyPatch) -> PrepareDocument:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    door = AwsDoor(AwsConfig(region=aws.record().region), logger=logging.getLogger("worker"))
    assert isinstance(door.s3, FastS3)
    environ = {"WORKER_DOCUMENTS_BUCKET": SOURCES, "WORKER_PREPARED_BUCKET": PREPARED}
    monkeypatch.setattr(door, "s3", OlderIsSlower(door.s3))
    return open_job(environ, aws=door)


def announced(key: str) -> Message:
    body = {
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": SOURCES}, "object": {"key": key, "version-id": "v"}},
    }
    return Message(body=json.dumps(body), message_id="1", receive_count=1, attributes={})


def text(s3: Any, key: str) -> str:
    body: bytes = s3.get_object(Bucket=PREPARED, Key=key)["Body"].read()
    return body.decode()


def test_every_format_of_the_corpus_is_prepared(s3: Any, job: PrepareDocument) -> None:
    chosen = [each for each in documents(100) if "/service" in each.key or "/overview" in each.key]
    assert {each.key.rpartition(".")[2] for each in chosen} == {"json", "md", "html", "txt", "pdf"}
    for document in chosen:
        s3.put_object(
            Bucket=SOURCES,
            Key=document.key,
            Body=document.body,
            ContentType=document.content_type,
        )
        job.run(announced(document.key))
        assert text(s3, f"{document.key}.txt").strip()
        metadata = json.loads(text(s3, f"{document.key}.txt.metadata.json"))
        assert metadata["metadataAttributes"]["title"]["includeForEmbedding"] is True


def test_workers_that_race_leave_the_newest_version(s3: Any, job: PrepareDocument) -> None:
    """Each upload is handled at once by its own thread, while later ones arrive and overtake it."""
    failures: list[BaseException] = []
    versions: list[str] = []

    def handle() -> None:
        for _ in range(20):  # SQS would deliver again
            try:
                job.run(announced(KEY))
            except Retry:
                continue
            except BaseException as error:
                failures.append(error)
            return

    threads = []
    for number in range(LAST_VERSION + 1):
        answer = s3.put_object(Bucket=SOURCES, Key=KEY, Body=f"version {number}".encode())
        versions.append(answer["VersionId"])
        threads.append(threading.Thread(target=handle))
        threads[-1].start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    assert text(s3, TEXT) == f"version {LAST_VERSION}\n"
    metadata = json.loads(text(s3, METADATA))["metadataAttributes"]
    assert metadata["source_version"]["value"]["stringValue"] == versions[-1]
    numbers = [int(written.split()[1]) for written in written_texts(s3)]
    assert numbers == sorted(numbers), "an older text replaced a newer one"


def written_texts(s3: Any) -> list[str]:
    """Every text that readers could have seen, oldest first."""
    found = s3.list_object_versions(Bucket=PREPARED, Prefix=TEXT)["Versions"]
    ids = [each["VersionId"] for each in found if each["Key"] == TEXT]
    return [
        s3.get_object(Bucket=PREPARED, Key=TEXT, VersionId=each)["Body"].read().decode()
        for each in reversed(ids)
    ]


def test_deleted_and_missing_documents_have_their_outcomes(s3: Any, job: PrepareDocument) -> None:
    s3.put_object(Bucket=SOURCES, Key="incoming/gone.txt", Body=b"text")
    s3.delete_object(Bucket=SOURCES, Key="incoming/gone.txt")
    job.run(announced("incoming/gone.txt"))
    with pytest.raises(Retry, match="does not exist"):
        job.run(Message('{"key": "incoming/never.txt"}', "1", 1, {}))
