"""Reads what a caller sends; says of what is wrong which field it is and what to do."""

from __future__ import annotations

import json
from hashlib import sha256

from edge.http_api import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MOST_DOCUMENTS = 1000
MOST_ERRORS = 20
LONGEST_TEXT_BYTES = 1024
"""S3's limit for a key, and the longest version id:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""
LONGEST_IDEMPOTENCY_KEY = 255
BUCKET_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
FIELDS = ("key", "bucket", "versionId")


class Submission:
    """A valid request: documents as the caller named them, in the caller's order."""

    __slots__ = ("documents", "fingerprint")

    def __init__(self, documents: list[dict[str, str]]) -> None:
        self.documents = documents
        self.fingerprint = sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()


def submission_of(body: bytes) -> Submission:
    """Parse and check the body of POST /jobs. Raises Problem with everything that is wrong."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(
            400, "Not JSON", f'body: {error}; send {{"documents": [{{"key": "..."}}]}}'
        ) from None
    errors: list[dict[str, str]] = []
    documents = _documents(content, errors)
    if not errors:
        _find_twins(documents, errors)
    if errors:
        raise Problem(
            400,
            "Invalid request",
            f"{len(errors)} problem{'s' if len(errors) > 1 else ''}; nothing was submitted",
            errors=errors[:MOST_ERRORS],
        )
    return Submission(documents)


def idempotency_key_of(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key header, or None without one. Raises Problem when it is unusable."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_IDEMPOTENCY_KEY or not all("!" <= sign <= "~" for sign in key):
        raise Problem(
            400,
            "Invalid request",
            "1 problem; nothing was submitted",
            errors=[
                _error(
                    "Idempotency-Key",
                    "is empty, too long or has spaces or other unusual characters",
                    f"send 1 to {LONGEST_IDEMPOTENCY_KEY} visible ASCII characters, "
                    "a random UUID for instance",
                )
            ],
        )
    return key


def _documents(content: Any, errors: list[dict[str, str]]) -> list[dict[str, str]]:
    if not isinstance(content, dict):
        errors.append(_error("body", "is not an object", 'send {"documents": [...]}'))
        return []
    errors.extend(
        _error(name, "is unknown", "leave it out; `documents` is the only field")
        for name in sorted(content.keys() - {"documents"})
    )
    found = content.get("documents")
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_DOCUMENTS:
        count = f"has {len(found)} entries" if isinstance(found, list) else "is not a list"
        errors.append(_error("documents", count, f"send a list of 1 to {MOST_DOCUMENTS} documents"))
        return []
    return [
        _document(entry, f"documents[{index}]", errors)
        for index, entry in enumerate(found)
        if len(errors) < MOST_ERRORS
    ]


def _document(entry: Any, at: str, errors: list[dict[str, str]]) -> dict[str, str]:
    if not isinstance(entry, dict):
        errors.append(_error(at, "is not an object", 'send {"key": "incoming/a.pdf"}'))
        return {}
    errors.extend(
        _error(f"{at}.{name}", "is unknown", f"use {', '.join(FIELDS)}")
        for name in sorted(entry.keys() - set(FIELDS))
    )
    if "key" not in entry:
        errors.append(_error(f"{at}.key", "is missing", "name the object to prepare"))
    for name, value in entry.items():
        problem = _problem(name, value) if name in FIELDS else None
        if problem:
            errors.append(_error(f"{at}.{name}", *problem))
    return entry


def _problem(name: str, value: object) -> tuple[str, str] | None:
    if not isinstance(value, str) or not value:
        return "is not a non-empty string", "send a string, or leave an optional field out"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode", "send it as S3 stores it"
    if size > LONGEST_TEXT_BYTES:
        return f"has {size} bytes", f"S3 allows {LONGEST_TEXT_BYTES}; send the object's own"
    if name == "bucket" and not (3 <= size <= 63 and BUCKET_CHARACTERS.issuperset(value)):
        return "is not a bucket's name", "send the name alone, without s3:// or an ARN"
    return None


def _find_twins(documents: list[dict[str, str]], errors: list[dict[str, str]]) -> None:
    seen: dict[tuple[str | None, ...], int] = {}
    for index, document in enumerate(documents):
        first = seen.setdefault(tuple(document.get(name) for name in FIELDS), index)
        if first != index:
            errors.append(
                _error(
                    f"documents[{index}]",
                    f"is the same document as documents[{first}]",
                    "send each document once",
                )
            )


def _error(field: str, problem: str, remedy: str) -> dict[str, str]:
    return {"field": field, "problem": problem, "remedy": remedy}
