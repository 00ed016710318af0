"""Metadata filters in Bedrock's own form, checked before a search is paid for.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrievalFilter.html
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

GROUPS = ("andAll", "orAll")
LISTS = ("in", "notIn")
NUMBERS = ("greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals")
OTHERS = ("equals", "notEquals", "startsWith", "listContains", "stringContains")
OPERATORS = (*GROUPS, *OTHERS, *LISTS, *NUMBERS)
MOST_PARTS = 5
"""Filters of one group, Bedrock's limit."""
DEEPEST = 2
LONGEST = 2_000
"""Characters as JSON."""


def problem_of(value: object) -> tuple[str, str] | None:
    """What is wrong with a filter and what to do; None for a good one."""
    if len(json.dumps(value)) > LONGEST:
        return f"is longer than {LONGEST} characters", "ask for less"
    problem = _problem(value, 0)
    return None if problem is None else (problem, "see RetrievalFilter of Bedrock's API")


def limited_to(
    filter: Mapping[str, Any] | None,  # noqa: A002
    *,
    key: str,
    value: str,
) -> dict[str, Any]:
    """A filter that in any case accepts only documents whose metadata has this value."""
    only = {"equals": {"key": key, "value": value}}
    if not filter:
        return only
    parts = filter.get("andAll")
    if isinstance(parts, list) and len(parts) < MOST_PARTS:
        return {"andAll": [only, *parts]}
    return {"andAll": [only, dict(filter)]}


def _problem(value: object, depth: int) -> str | None:
    if not isinstance(value, dict) or len(value) != 1:
        return "is not an object with one operator"
    ((operator, content),) = value.items()
    if operator not in OPERATORS:
        return f"{operator!r} is none of {', '.join(OPERATORS)}"
    if operator in GROUPS:
        return _group_problem(operator, content, depth)
    if not isinstance(content, dict) or content.keys() != {"key", "value"}:
        return f"{operator} does not have exactly `key` and `value`"
    if not isinstance(content["key"], str) or not content["key"]:
        return f"{operator}.key is not a non-empty string"
    return _value_problem(operator, content["value"])


def _group_problem(operator: str, content: object, depth: int) -> str | None:
    if depth >= DEEPEST:
        return f"{operator} is nested too deeply"
    if not isinstance(content, list) or not 2 <= len(content) <= MOST_PARTS:
        return f"{operator} is not a list of 2 to {MOST_PARTS} filters"
    return next((found for part in content if (found := _problem(part, depth + 1))), None)


def _value_problem(operator: str, value: object) -> str | None:
    if operator in LISTS:
        if isinstance(value, list) and value and all(_is_plain(each) for each in value):
            return None
        return f"{operator}.value is not a list of strings, numbers or booleans"
    if operator in NUMBERS:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        return None if good else f"{operator}.value is not a number"
    return None if _is_plain(value) else f"{operator}.value is not a string, number or boolean"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool)
