"""Whether a mutation's answer is for a subscription.

https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-enhanced-filtering.html
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html#using-subscription-arguments
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.appsync.errors import FieldError

MOST_VALUES = {"in": 5, "notIn": 5, "containsAny": 20}
"""https://docs.aws.amazon.com/appsync/latest/devguide/extensions.html (operator)."""
Payload = Mapping[str, Any]
Filter = Mapping[str, Any]


def matches(payload: Payload, arguments: Mapping[str, Any], enhanced: Filter | None) -> bool:
    """An enhanced filter decides alone; without one, every argument must equal its field."""
    if enhanced is not None:
        return passes(payload, enhanced)
    return all(payload.get(name) == value for name, value in arguments.items())


def passes(payload: Payload, enhanced: Filter) -> bool:
    """Any group, and in it every filter. A filter without groups lets everything through."""
    groups = enhanced.get("filterGroup") or []
    return not groups or any(
        all(_passes(payload, each) for each in group.get("filters") or ()) for group in groups
    )


def check(enhanced: Filter | None) -> None:
    """Raise FieldError for a filter that AppSync does not take; the words are ours."""
    for group in (enhanced or {}).get("filterGroup") or ():
        for each in group.get("filters") or ():
            operator, value = str(each.get("operator")), each.get("value")
            most = MOST_VALUES.get(operator)
            if most is not None and not (isinstance(value, list) and len(value) <= most):
                raise FieldError(
                    f"Invalid subscription filter: {each.get('fieldName')} {operator} takes a "
                    f"list of at most {most} values",
                    "BadRequest",
                )


def _passes(payload: Payload, one: Mapping[str, Any]) -> bool:
    operator = OPERATORS.get(str(one.get("operator")))
    if operator is None:
        return False
    value = _at(payload, str(one.get("fieldName")).split("."))
    try:
        return operator(value, one.get("value"))
    except TypeError:  # values of different types do not match
        return False


def _at(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _contains(value: Any, wanted: Any) -> bool:
    return value is not None and wanted in value


def _between(value: Any, bounds: Any) -> bool:
    return value is not None and bool(bounds[0] <= value <= bounds[1])


def _contains_any(value: Any, wanted: Any) -> bool:
    return value is not None and any(each in value for each in wanted)


def _known(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A field that is null is neither less nor more than anything."""
    return lambda value, wanted: value is not None and compare(value, wanted)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: bool(value == wanted),
    "ne": lambda value, wanted: bool(value != wanted),
    "lt": _known(lambda value, wanted: bool(value < wanted)),
    "le": _known(lambda value, wanted: bool(value <= wanted)),
    "gt": _known(lambda value, wanted: bool(value > wanted)),
    "ge": _known(lambda value, wanted: bool(value >= wanted)),
    "contains": _contains,
    "notContains": lambda value, wanted: not _contains(value, wanted),
    "beginsWith": _known(lambda value, wanted: bool(value.startswith(wanted))),
    "in": lambda value, wanted: value in wanted,
    "notIn": lambda value, wanted: value not in wanted,
    "between": _between,
    "containsAny": _contains_any,
}
