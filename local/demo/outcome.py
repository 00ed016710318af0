"""What came of a run, read from the buckets, the dead-letter queue and the workers' own logs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.session import LocalAws

TEXT_SUFFIX = ".txt"
METADATA_SUFFIX = ".txt.metadata.json"
# One process with 8 threads: what runs, and what is received and waits.
IN_HAND_AT_MOST = 8 * 4
SHOWN_LINES = 6


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Counts and examples of one run."""

    prepared: int
    missing: list[str]
    twice: int
    in_hand_at_most: int
    dead_letters: int
    reasons: list[str]
    calls_per_thousand: float
    example_key: str
    example: list[str]


def outcome(
    aws: LocalAws, *, source: str, prepared: str, log_group: str, dead_letter_queue: str
) -> Outcome:
    """Compare what was uploaded with what was prepared, and read what the workers said."""
    s3 = aws.client("s3")
    sources = Counter(_keys(s3, source))
    versions = Counter(_keys(s3, prepared))
    missing = [
        key
        for key in sources
        if not (versions[f"{key}{TEXT_SUFFIX}"] and versions[f"{key}{METADATA_SUFFIX}"])
    ]
    lines = list(_log_lines(aws, log_group))
    metrics = [line for line in lines if "_aws" in line]
    processed = sum(line.get("MessagesProcessed", 0) for line in metrics)
    calls = sum(line.get("ApiCalls", 0) for line in metrics)
    rejected = [line for line in lines if line.get("event") == "message rejected"]
    attributes = aws.client("sqs").get_queue_attributes(
        QueueUrl=dead_letter_queue, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    example_key = next(key for key in sorted(sources) if key not in missing)
    text = s3.get_object(Bucket=prepared, Key=f"{example_key}{TEXT_SUFFIX}")["Body"].read().decode()
    return Outcome(
        prepared=len(sources) - len(missing),
        missing=missing,
        twice=sum(versions[f"{key}{TEXT_SUFFIX}"] > 1 for key in sources),
        in_hand_at_most=IN_HAND_AT_MOST,
        dead_letters=int(attributes["ApproximateNumberOfMessages"]),
        reasons=sorted({line["reason"] for line in rejected}),
        calls_per_thousand=1000 * calls / processed if processed else float("inf"),
        example_key=f"{example_key}{TEXT_SUFFIX}",
        example=[line[:100] for line in text.splitlines() if line][:SHOWN_LINES],
    )


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    """The key of every version of every object."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        yield from (each["Key"] for each in page.get("Versions", ()))


def _log_lines(aws: LocalAws, log_group: str) -> Iterator[dict[str, Any]]:
    logs = aws.client("logs")
    streams = logs.get_paginator("describe_log_streams").paginate(logGroupName=log_group)
    for stream in (each for page in streams for each in page["logStreams"]):
        token: dict[str, str] = {}
        while True:
            answer = logs.get_log_events(
                logGroupName=log_group,
                logStreamName=stream["logStreamName"],
                startFromHead=True,
                **token,
            )
            for event in answer["events"]:
                try:
                    line = json.loads(event["message"])
                except ValueError:
                    continue
                if isinstance(line, dict):
                    yield line
            if not answer["events"] or answer["nextForwardToken"] == token.get("nextToken"):
                break
            token = {"nextToken": answer["nextForwardToken"]}
