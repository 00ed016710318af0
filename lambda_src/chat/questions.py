"""Reads what a caller asks; says of what is wrong which field it is and what to do."""

from __future__ import annotations

import json
import os

from chat.filters import problem_of, text_problem
from edge.http_api import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LARGEST_BODY_BYTES = 32_768
LONGEST_QUESTION = 1_000
"""Characters, the most that a guardrail compares an answer with
(https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html)
and that a knowledge base is asked for (https://docs.aws.amazon.com/general/latest/gr/bedrock.html).
"""
LONGEST_NAME = 64
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
TECHNIQUES = (
    "zero_shot",
    "n_shot",
    "chain_of_thought",
    "self_consistency",
    "generated_knowledge",
    "react",
    "rag",
)
FIELDS = ("question", "conversation_id", "technique", "filter", "tenant")
EXAMPLE = '{"question": "How long are messages kept?"}'


class Question:
    """A valid request. `conversation_id` is new when the caller named none."""

    __slots__ = ("conversation_id", "filter", "new", "technique", "tenant", "text")

    def __init__(
        self,
        text: str,
        *,
        conversation_id: str | None = None,
        technique: str = "rag",
        filter: Mapping[str, Any] | None = None,  # noqa: A002
        tenant: str | None = None,
    ) -> None:
        self.text = text
        self.new = conversation_id is None
        self.conversation_id = conversation_id or os.urandom(16).hex()
        self.technique = technique
        self.filter = filter
        self.tenant = tenant


def question_of(body: bytes) -> Question:
    """Parse and check the body of POST /chat. Raises Problem with everything that is wrong."""
    if len(body) > LARGEST_BODY_BYTES:
        raise Problem(
            413, "Too large", f"body: {len(body)} bytes; send {LARGEST_BODY_BYTES} at most"
        )
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "Not JSON", f"body: {error}; send {EXAMPLE}") from None
    errors = list(_errors(content))
    if errors:
        raise Problem(
            400,
            "Invalid request",
            f"{len(errors)} problem{'s' if len(errors) > 1 else ''}; nothing was asked",
            errors=errors,
        )
    given = {name: value for name, value in content.items() if value is not None}
    text = " ".join(given.pop("question").split())
    return Question(text, **given)


def _errors(content: Any) -> list[dict[str, str]]:
    if not isinstance(content, dict):
        return [_error("body", "is not an object", f"send {EXAMPLE}")]
    errors = [
        _error(name, "is unknown", f"use {', '.join(FIELDS)}")
        for name in sorted(content.keys() - set(FIELDS))
    ]
    checks = (
        ("question", _question),
        ("conversation_id", _name),
        ("technique", _technique),
        ("filter", problem_of),
        ("tenant", _name),
    )
    for name, check in checks:
        value = content.get(name)
        if value is None and name != "question":
            continue
        problem = check(value)
        if problem:
            errors.append(_error(name, *problem))
    return errors


def _question(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str) or not value.strip():
        return "is not a non-empty string", "ask something"
    if len(value) > LONGEST_QUESTION:
        return (
            f"has {len(value)} characters",
            f"ask in {LONGEST_QUESTION}; documents belong into the knowledge base",
        )
    problem = text_problem(" ".join(value.split()))
    return (problem, "send UTF-8 without control characters") if problem else None


def _name(value: object) -> tuple[str, str] | None:
    short = isinstance(value, str) and 1 <= len(value) <= LONGEST_NAME
    if isinstance(value, str) and short and NAME_CHARACTERS.issuperset(value):
        return None
    return (
        f"is not 1 to {LONGEST_NAME} letters, digits, hyphens and underscores",
        "send one as you got it, or leave it out",
    )


def _technique(value: object) -> tuple[str, str] | None:
    if value in TECHNIQUES:
        return None
    return f"{value!r} is unknown"[:100], f"use one of {', '.join(TECHNIQUES)}, or leave it out"


def _error(field: str, problem: str, remedy: str) -> dict[str, str]:
    return {"field": field, "problem": problem, "remedy": remedy}
