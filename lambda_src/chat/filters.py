"""Metadata filters in Bedrock's own form, checked before a search is paid for.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrievalFilter.html
"""

from __future__ import annotations

import json

from edge.http_api import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

GROUPS = ("andAll", "orAll")
LISTS = ("in", "notIn")
NUMBERS = ("greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals")
OTHERS = ("equals", "notEquals", "startsWith", "listContains", "stringContains")
OPERATORS = (*GROUPS, *OTHERS, *LISTS, *NUMBERS)
PLAIN = "strings without control characters, numbers and booleans"
MOST_PARTS = 5
"""Filters of one group, Bedrock's limit."""
DEEPEST = 2
LONGEST = 2_000
"""Characters as JSON."""
LARGEST = 1.7e308
"""JSON has no larger numbers, and Bedrock no NaN and no Infinity, which Python reads."""


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
    """A filter that in any case accepts only documents whose metadata has this value.

    Raises Problem where both are more than Bedrock takes.
    """
    limited = _limited(filter, {"equals": {"key": key, "value": value}})
    if (problem := _problem(limited, 0)) is not None:
        error = {
            "field": "filter",
            "problem": f"{problem}, once it is limited to the tenant's documents",
            "remedy": "ask with fewer groups, or with fewer filters in each",
        }
        raise Problem(400, "Invalid request", "1 problem; nothing was asked", errors=[error])
    return limited


def text_problem(text: str) -> str | None:
    """What is wrong with a text that is sent to AWS."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    control = any(sign < " " or "\x7f" <= sign < "\xa0" for sign in text)
    return "has control characters" if control else None


def _limited(filter: Mapping[str, Any] | None, only: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
    """Both, in no more levels than the filter has, where that can be."""
    if not filter:
        return only
    if parts := filter.get("andAll"):
        groups = [part for part in parts if _is_group(part)]
        plain = [part for part in parts if not _is_group(part)]
        if len(parts) < MOST_PARTS:
            return {"andAll": [only, *parts]}
        if groups and len(plain) > 1:
            return {"andAll": [only, *groups, *plain[:-2], {"andAll": plain[-2:]}]}
    if parts := filter.get("orAll"):
        flat = [inner for part in parts for inner in part.get("orAll", [part])]
        parts = flat if len(flat) <= MOST_PARTS else parts
        if any(_is_group(part) for part in parts):
            return {"orAll": [_limited(part, only) for part in parts]}
        return {"andAll": [only, {"orAll": parts}]}
    return {"andAll": [only, dict(filter)]}


def _is_group(part: Mapping[str, Any]) -> bool:
    return not part.keys().isdisjoint(GROUPS)


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
    key = content["key"]
    if not isinstance(key, str) or not key:
        return f"{operator}.key is not a non-empty string"
    if problem := text_problem(key):
        return f"{operator}.key {problem}"
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
        return f"{operator}.value is not a list of {PLAIN}"
    if operator in NUMBERS:
        good = _is_plain(value) and not isinstance(value, bool | str)
        return None if good else f"{operator}.value is not a number"
    return None if _is_plain(value) else f"{operator}.value is none of {PLAIN}"


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return text_problem(value) is None
    return isinstance(value, int | float) and -LARGEST <= value <= LARGEST
