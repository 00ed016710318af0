"""Bedrock's metadata filter as SQL over JSON values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from local.stores.store import Filter

# A value by its key: the SQL of a jsonb expression.
ValueOf = Callable[[str], str]
Condition = tuple[str, list[Any]]

ORDERED = {
    "greaterThan": ">",
    "greaterThanOrEquals": ">=",
    "lessThan": "<",
    "lessThanOrEquals": "<=",
}


def condition(accepts: Filter, value_of: ValueOf) -> Condition:
    """A checked filter as a condition with its parameters."""
    ((operator, operand),) = accepts.items()
    if operator in ("andAll", "orAll") and isinstance(operand, list):
        parts = [condition(each, value_of) for each in operand]
        joined = (" and " if operator == "andAll" else " or ").join(f"({sql})" for sql, _ in parts)
        return joined, [each for _, parameters in parts for each in parameters]
    assert isinstance(operand, Mapping)  # checked before
    return _comparison(operator, value_of(str(operand["key"])), operand["value"])


def _comparison(operator: str, found: str, wanted: Any) -> Condition:
    if operator in ORDERED:
        # In a case, so that no text is ever cast to a number.
        compared = f"({found})::numeric {ORDERED[operator]} %s"
        return f"case when jsonb_typeof({found}) = 'number' then {compared} else false end", [
            wanted
        ]
    if operator in ("in", "notIn"):
        listed = f"{found} = any(%s::jsonb[])"
        condition_ = listed if operator == "in" else f"{found} is not null and not ({listed})"
        return condition_, [[json.dumps(each) for each in wanted]]
    if operator == "stringContains":
        return _contains(found), [wanted, wanted]
    template = {
        "equals": f"{found} = %s::jsonb",
        "notEquals": f"{found} is distinct from %s::jsonb",
        "listContains": f"jsonb_typeof({found}) = 'array' and {found} @> %s::jsonb",
    }[operator]
    return template, [json.dumps(wanted)]


def _contains(found: str) -> str:
    return (
        f"case jsonb_typeof({found}) "
        f"when 'string' then position(%s in {found} #>> '{{}}') > 0 "
        f"when 'array' then exists (select from jsonb_array_elements_text({found}) as each(text) "
        "where position(%s in each.text) > 0) "
        "else false end"
    )
