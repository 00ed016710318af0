"""Between DynamoDB's typed values and JSON.

https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-typed-values-responses.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Typed = Mapping[str, Any]
Item = Mapping[str, Typed]


def plain(value: Typed) -> Any:
    """A typed value as resolvers and callers see it; sets become lists."""
    ((kind, content),) = value.items()
    if kind == "N":
        return _number(content)
    if kind == "L":
        return [plain(each) for each in content]
    if kind == "M":
        return plain_item(content)
    if kind == "NS":
        return [_number(each) for each in content]
    return None if kind == "NULL" else content


def plain_item(item: Item) -> dict[str, Any]:
    """All attributes of an item."""
    return {name: plain(value) for name, value in item.items()}


def typed(value: Any) -> dict[str, Any]:
    """JSON as DynamoDB stores it."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [typed(each) for each in value]}
    return {"M": {name: typed(each) for name, each in value.items()}}


def typed_like(value: Any, old: Typed | None) -> dict[str, Any]:
    """JSON as DynamoDB stores it, a list as a set where there was a set of the same type."""
    kind = next(iter(old)) if old else ""
    if isinstance(value, list) and value and kind in ("SS", "NS", "BS"):
        unique = dict.fromkeys(str(each) for each in value)
        return {kind: list(unique)}
    return typed(value)


def _number(text: Any) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
