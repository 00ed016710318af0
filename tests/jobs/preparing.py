"""A document, its announcement, and the job that prepares it."""

from __future__ import annotations

import json

from tests.jobs.memory_s3 import MemoryAws, MemoryS3
from worker.aws import AwsError
from worker.jobs.prepare_document import PrepareDocument, open_job
from worker.message import Message

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


def fail(s3: MemoryS3, operation: str, error: AwsError) -> None:
    def hook(called: str, key: str) -> None:
        if called == operation:
            raise error

    s3.before = hook
