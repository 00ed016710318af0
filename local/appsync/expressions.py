"""Our own terms beside a resolver's in one DynamoDB expression.

The names and values of ours begin with `appsync`, so that they cannot meet a resolver's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CLAUSE = re.compile(r"(?<![#:.\w])(SET|REMOVE|ADD|DELETE)(?=\s)", re.I)


@dataclass(kw_only=True)
class Expression:
    """An expression with its names and values, as resolvers give it."""

    text: str = ""
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Expression:
        """A resolver's `condition`, `update`, `filter`, `query` or `projection`."""
        given = given or {}
        return cls(
            text=str(given.get("expression") or ""),
            names=dict(given.get("expressionNames") or {}),
            values=dict(given.get("expressionValues") or {}),
        )

    def both(self, other: Expression) -> Expression:
        """Joined by AND."""
        texts = [text for text in (self.text, other.text) if text]
        return Expression(
            text=" AND ".join(f"({text})" for text in texts) if len(texts) > 1 else "".join(texts),
            names={**self.names, **other.names},
            values={**self.values, **other.values},
        )


def parameters(**expressions: Expression) -> dict[str, Any]:
    """The parameters of an API call, such as `ConditionExpression`, with names and values."""
    request: dict[str, Any] = {}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    for parameter, expression in expressions.items():
        if expression.text:
            request[parameter] = expression.text
            names.update(expression.names)
            values.update(expression.values)
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = values
    return request


def with_assignments(
    update: Expression, assignments: Mapping[str, Any], removals: Sequence[str]
) -> Expression:
    """An update that sets and removes more attributes."""
    clauses = _clauses(update.text)
    names, values = dict(update.names), dict(update.values)
    for number, (name, value) in enumerate(assignments.items()):
        names[f"#appsync_s{number}"] = name
        values[f":appsync_s{number}"] = value
        clauses.setdefault("SET", []).append(f"#appsync_s{number} = :appsync_s{number}")
    for number, name in enumerate(removals):
        names[f"#appsync_r{number}"] = name
        clauses.setdefault("REMOVE", []).append(f"#appsync_r{number}")
    text = " ".join(f"{clause} {', '.join(terms)}" for clause, terms in clauses.items())
    return Expression(text=text, names=names, values=values)


def _clauses(text: str) -> dict[str, list[str]]:
    pieces = CLAUSE.split(text)
    return {
        clause.upper(): [terms.strip().rstrip(",")]
        for clause, terms in zip(pieces[1::2], pieces[2::2], strict=True)
        if terms.strip()
    }
