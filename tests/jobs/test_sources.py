"""Which documents a message names: three shapes, and a remedy for everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.jobs.sources import Source, sources_of
from worker.outcomes import Reject

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def read(message: object) -> list[Source]:
    return sources_of(json.dumps(message), default_bucket="documents")


def record(key: object = "incoming/a.pdf", event: object = "ObjectCreated:Put") -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": event,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": "documents", "arn": "arn:aws:s3:::documents"},
            "object": {"key": key, "size": 10, "versionId": "v1", "sequencer": "0A1B"},
        },
    }


def event(key: object = "incoming/a.pdf", kind: object = "Object Created") -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"""
    return {
        "version": "0",
        "detail-type": kind,
        "source": "aws.s3",
        "detail": {
            "version": "0",
            "bucket": {"name": "documents"},
            "object": {"key": key, "size": 5, "version-id": "v1", "sequencer": "0A1B"},
            "reason": "PutObject",
        },
    }


def test_plain_json_names_a_key_of_the_default_bucket() -> None:
    assert read({"key": "incoming/a.pdf"}) == [Source("documents", "incoming/a.pdf")]


def test_plain_json_may_name_bucket_and_version() -> None:
    message = {"key": "a", "bucket": "other", "versionId": "v7"}
    assert read(message) == [Source("other", "a", existed=True)]


def test_a_notification_names_each_object_once() -> None:
    records = [record("a"), record("b"), record("a")]
    assert [source.key for source in read({"Records": records})] == ["a", "b"]
    assert all(source.existed for source in read({"Records": records}))


def test_keys_of_notifications_are_url_encoded() -> None:
    [source] = read({"Records": [record("incoming/%C3%BC+%2B%281%29.pdf")]})
    assert source.key == "incoming/ü +(1).pdf"


def test_keys_of_eventbridge_are_not_encoded() -> None:
    [source] = read(event("incoming/ü +(1)%20.pdf"))
    assert source == Source("documents", "incoming/ü +(1)%20.pdf", existed=True)


@pytest.mark.parametrize(
    "name", ["ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Copy"]
)
def test_every_way_of_creating_an_object_counts(name: str) -> None:
    assert len(read({"Records": [record(event=name)]})) == 1


def test_there_is_nothing_to_do_for_a_test_event() -> None:
    assert read({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "documents"}) == []


def test_there_is_nothing_to_do_for_a_folder_of_the_console() -> None:
    assert read(event("incoming/reports/")) == []
    assert read({"Records": [record("incoming/reports/")]}) == []


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ([], "body: is a JSON list"),
        (None, "body: is a JSON null"),
        (True, "body: is a JSON boolean"),
        (7, "body: is a JSON number"),
        ("a", "body: is a JSON string"),
        ({}, "body: has none of the fields key, Records, detail"),
        ({"key": ""}, "key: must be a non-empty string"),
        ({"key": 3}, "key: must be a non-empty string"),
        ({"key": "a", "bucket": None}, "bucket: must be a non-empty string"),
        ({"key": "ü" * 513}, "key: has 1026 bytes, S3 allows 1024"),
        ({"key": "\ud800"}, "key: is not valid Unicode"),
        ({"Records": []}, "Records: must be a list"),
        ({"Records": {}}, "Records: must be a list"),
        ({"Records": [record(), 3]}, "Records[1].eventName: must be"),
        ({"Records": [record(event="ObjectRemoved:Delete")]}, "Records[0].eventName: is 'ObjectR"),
        ({"Records": [record(key=None)]}, "Records[0].s3.object.key: must be"),
        ({"Records": [{"eventName": "ObjectCreated:Put"}]}, "Records[0].s3: must be a JSON object"),
        ({"detail": {}}, "detail-type: must be"),
        (event(kind="Object Deleted"), "detail-type: is 'Object Deleted'"),
        (event(key=[]), "detail.object.key: must be"),
        ({"detail-type": "Object Created", "detail": 1}, "detail: must be a JSON object"),
        ({"detail-type": "Object Created", "detail": {"bucket": 1}}, "detail.bucket: must be"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(message: object, field: str) -> None:
    with pytest.raises(Reject) as rejected:
        read(message)
    assert rejected.value.reason.startswith(field)
    assert ";" in rejected.value.reason


@pytest.mark.parametrize("body", ["", "{", "incoming/a.pdf", "[" * 100_000, "{'key': 'a'}"])
def test_a_body_that_is_no_json_is_rejected(body: str) -> None:
    with pytest.raises(Reject, match="body: is not JSON"):
        sources_of(body, default_bucket="documents")


@settings(deadline=None)
@given(JSON_VALUES)
def test_any_json_gives_sources_or_a_reason(value: object) -> None:
    for message in (value, {"Records": value}, {"detail-type": "Object Created", "detail": value}):
        try:
            assert all(source.key for source in read(message))
        except Reject as rejected:
            assert rejected.reason


@settings(deadline=None)
@given(st.text())
def test_any_key_survives_all_three_shapes(key: str) -> None:
    from urllib.parse import quote_plus

    if not key or key.endswith("/") or len(key.encode("utf-8", "surrogatepass")) > 1024:
        return
    shapes = ({"key": key}, {"Records": [record(quote_plus(key))]}, event(key))
    assert [read(shape)[0].key for shape in shapes] == [key] * 3
