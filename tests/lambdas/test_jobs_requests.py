"""What a caller sends, and what it is told about mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.http_api import Problem
from jobs.requests import MOST_DOCUMENTS, idempotency_key_of, submission_of


def refused(content: Any) -> list[dict[str, str]]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(Problem) as raised:
        submission_of(body)
    assert raised.value.status == 400
    return list(raised.value.errors)


def test_documents_are_taken_in_their_order() -> None:
    documents = [{"key": "b"}, {"key": "a", "bucket": "docs.example", "versionId": "3"}]
    assert submission_of(json.dumps({"documents": documents}).encode()).documents == documents


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([], "body"),
        (None, "body"),
        ({}, "documents"),
        ({"documents": []}, "documents"),
        ({"documents": {"key": "a"}}, "documents"),
        ({"documents": [{"key": "a"}], "queue": "q"}, "queue"),
        ({"documents": ["a"]}, "documents[0]"),
        ({"documents": [{}]}, "documents[0].key"),
        ({"documents": [{"key": ""}]}, "documents[0].key"),
        ({"documents": [{"key": 7}]}, "documents[0].key"),
        ({"documents": [{"key": "a" * 1025}]}, "documents[0].key"),
        ({"documents": [{"key": "é" * 513}]}, "documents[0].key"),
        ({"documents": [{"key": "a"}, {"key": "b", "Bucket": "x"}]}, "documents[1].Bucket"),
        ({"documents": [{"key": "a", "bucket": "s3://docs"}]}, "documents[0].bucket"),
        ({"documents": [{"key": "a", "bucket": "ab"}]}, "documents[0].bucket"),
        ({"documents": [{"key": "a", "versionId": None}]}, "documents[0].versionId"),
        ({"documents": [{"key": "a"}, {"key": "a"}]}, "documents[1]"),
        (b'{"documents": [{"key": "\\ud800"}]}', "documents[0].key"),
    ],
)
def test_a_mistake_is_named_with_its_field_and_remedy(content: Any, field: str) -> None:
    (error,) = refused(content)
    assert error["field"] == field and error["problem"] and error["remedy"]


def test_all_mistakes_are_named_at_once_but_not_endlessly() -> None:
    errors = refused({"documents": [{"key": ""}, {"bucket": "x"}], "extra": 1})
    assert [error["field"] for error in errors] == [
        "extra",
        "documents[0].key",
        "documents[1].key",
        "documents[1].bucket",
    ]
    assert len(refused({"documents": [{}] * 500})) == 20


def test_a_thousand_documents_are_the_most() -> None:
    documents = [{"key": str(n)} for n in range(MOST_DOCUMENTS)]
    assert len(submission_of(json.dumps({"documents": documents}).encode()).documents) == 1000
    (error,) = refused({"documents": [*documents, {"key": "more"}]})
    assert error["problem"] == "has 1001 entries"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert refused(body) == []


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_makes_it_fail_in_another_way(body: bytes) -> None:
    try:
        submission_of(body)
    except Problem as problem:
        assert problem.status == 400


def test_the_fingerprint_is_of_the_documents_not_of_their_spelling() -> None:
    one = submission_of(b'{"documents":[{"key":"a","bucket":"abc"}]}')
    same = submission_of(b'{ "documents" : [ {"bucket":"abc", "key":"a"} ] }')
    other = submission_of(b'{"documents":[{"key":"b","bucket":"abc"}]}')
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_an_idempotency_key_is_optional_visible_ascii() -> None:
    assert idempotency_key_of({}) is None
    assert idempotency_key_of({"idempotency-key": "a-b_c"}) == "a-b_c"
    for bad in ("", "a b", "ä", "a" * 256, "a\n"):
        with pytest.raises(Problem) as raised:
            idempotency_key_of({"idempotency-key": bad})
        assert raised.value.errors[0]["field"] == "Idempotency-Key"
