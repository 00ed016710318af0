"""Requests, checked by botocore's own models in the words of AWS's validation.

Members, ranges, patterns and unions are data of the SDK, so what a service takes is written once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

# Patterns that MiniStack's own identifiers do not fit.
UNCHECKED_PATTERNS = frozenset({"guardrailId", "guardrailIdentifier", "guardrailVersion"})
# The user guide's examples have values (General) that the model does not list.
UNCHECKED_ENUMS = frozenset({"taskType"})
REALS = ("float", "double")
SHOWN = 10


def json_object(body: bytes) -> dict[str, Any]:
    """A body as a service reads it; NaN and Infinity are no JSON. Raises ValueError."""
    try:
        content = json.loads(body, parse_constant=_refuse)
    except ValueError:
        raise ValueError("The request body is not valid JSON.") from None
    if not isinstance(content, dict):
        raise ValueError("The request body must be a JSON object.")
    return content


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def problem_of(shape: Any, members: Mapping[str, Any]) -> str:
    """What is wrong with the members of a request's shape; nothing for a good request."""
    problems = list(_problems(shape, members, ""))
    if not problems:
        return ""
    plural = "s" if len(problems) > 1 else ""
    return f"{len(problems)} validation error{plural} detected: {'; '.join(problems[:SHOWN])}"


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure_problems(shape, value, path)
    elif kind == "list":
        yield from _list_problems(shape, value, path)
    elif kind == "string":
        yield from _text_problems(shape, value, path)
    elif kind in ("integer", "long", *REALS):
        yield from _number_problems(shape, value, path)


def _structure_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, Mapping):
        yield _said(path, "Member must be an object")
        return
    if shape.is_tagged_union and sum(value.get(name) is not None for name in shape.members) != 1:
        yield _said(path, "Member must have exactly one of its members set")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _said(_below(path, name), "Member must not be null", null=True)
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _below(path, name))


def _list_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _said(path, "Member must be a list")
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield _said(path, f"Member must have length greater than or equal to {least}")
    if most is not None and len(value) > most:
        yield _said(path, f"Member must have length less than or equal to {most}")
    if shape.member.type_name in REALS and _all_numbers(value):
        return  # a vector: thousands of numbers without a range
    for place, each in enumerate(value, start=1):
        yield from _problems(shape.member, each, f"{path}.{place}.member")


def _all_numbers(value: list[Any]) -> bool:
    return {type(each) for each in value} <= {int, float} and all(map(math.isfinite, value))


def _text_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _said(path, "Member must be text")
        return
    metadata = shape.metadata
    if metadata.get("min") is not None and len(value) < metadata["min"]:
        yield _said(path, f"Member must have length greater than or equal to {metadata['min']}")
    if metadata.get("max") is not None and len(value) > metadata["max"]:
        yield _said(path, f"Member must have length less than or equal to {metadata['max']}")
    name = path.rpartition(".")[2]
    if shape.enum and value not in shape.enum and name not in UNCHECKED_ENUMS:
        yield _said(path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = metadata.get("pattern")
    if pattern and name not in UNCHECKED_PATTERNS and not _fits(pattern, value):
        yield _said(path, f"Member must satisfy regular expression pattern: {pattern}")


def _number_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        yield _said(path, "Member must be a number")
        return
    if shape.type_name not in REALS and not isinstance(value, int):
        yield _said(path, "Member must be an integer")
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield _said(path, f"Member must have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _said(path, f"Member must have value less than or equal to {most}")


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # a class that Python's expressions lack, such as \P{C}
        return True


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _said(path: str, constraint: str, *, null: bool = False) -> str:
    value = "Value null at" if null else "Value at"
    return f"{value} '{path}' failed to satisfy constraint: {constraint}"
