"""Requests, found and checked by botocore's own models of the four Bedrock services.

Paths, members, ranges and patterns are data of the SDK; so what the SDK can send is what is
understood here, and a wrong value is refused in the words of AWS's own validation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from local.bedrock.errors import invalid

SERVICES = ("bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime")
# Patterns that MiniStack's own identifiers do not fit.
UNCHECKED_PATTERNS = frozenset({"guardrailId", "guardrailIdentifier", "guardrailVersion"})
# The user guide's examples have values (General) that the model does not list.
UNCHECKED_ENUMS = frozenset({"taskType"})


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that names an operation; `members` are the SDK's, path, query and headers too."""

    operation: str
    members: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""

    def __getitem__(self, name: str) -> Any:
        """A required member."""
        return self.members[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A member that may be absent."""
        return self.members.get(name, default)


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation, and the values of the labels in its path."""

    operation: str
    labels: Mapping[str, str]
    input_shape: Any


def route(method: str, raw_path: str) -> Route | None:
    """The operation of the four services that a request calls, if any."""
    steps = _steps(raw_path.partition("?")[0])
    best: tuple[int, Route] | None = None
    for operation, shape, template in _table().get((method, len(steps)), ()):
        labels = _match(template, steps)
        if labels is None:
            continue
        literals = len(template) - len(labels)
        if best is None or literals > best[0]:
            best = literals, Route(operation=operation, labels=labels, input_shape=shape)
    return best[1] if best else None


def read_models() -> None:
    """Read the SDK's models now, not with the first request."""
    _table()


def request(found: Route, query: str, headers: Mapping[str, str], body: bytes) -> Request:
    """A checked request. Raises BedrockError."""
    shape = found.input_shape
    members: dict[str, Any] = {}
    parameters = parse_qs(query, keep_blank_values=True)
    payload_member = shape.serialization.get("payload")
    content = {} if payload_member or not body else _object(body)
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if place == "uri":
            members[name] = found.labels[wire_name]
        elif place == "querystring" and wire_name in parameters:
            members[name] = _typed(member, parameters[wire_name][0])
        elif place == "header" and wire_name.lower() in headers:
            members[name] = headers[wire_name.lower()]
        elif place is None and content.get(wire_name) is not None:
            members[name] = content[wire_name]
    if payload_member:
        members[payload_member] = body
    problems = list(_problems(shape, members, ""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise invalid(
            f"{len(problems)} validation error{plural} detected: {'; '.join(problems[:10])}"
        )
    return Request(operation=found.operation, members=members, payload=body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        raise invalid("The request body is not valid JSON.") from None
    if not isinstance(content, dict):
        raise invalid("The request body must be a JSON object.")
    return content


@cache
def _table() -> Mapping[tuple[str, int], list[tuple[str, Any, tuple[str, ...]]]]:
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    table: dict[tuple[str, int], list[tuple[str, Any, tuple[str, ...]]]] = {}
    loader = create_loader("data")
    for service in SERVICES:
        model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        for name in model.operation_names:
            operation = model.operation_model(name)
            if operation.input_shape is None:
                continue
            steps = _steps(operation.http["requestUri"].partition("?")[0])
            key = (operation.http["method"], len(steps))
            table.setdefault(key, []).append((name, operation.input_shape, steps))
    return table


def _steps(path: str) -> tuple[str, ...]:
    return tuple(unquote(step) for step in path.strip("/").split("/"))


def _match(template: tuple[str, ...], steps: tuple[str, ...]) -> dict[str, str] | None:
    labels: dict[str, str] = {}
    for expected, step in zip(template, steps, strict=True):
        if expected.startswith("{"):
            if not step:
                return None
            labels[expected.strip("{}+")] = step
        elif expected != step:
            return None
    return labels


def _typed(shape: Any, text: str) -> Any:
    if shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if shape.type_name == "boolean":
        return text == "true"
    return text


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure_problems(shape, value, path)
    elif kind == "list":
        yield from _list_problems(shape, value, path)
    elif kind == "string":
        yield from _text_problems(shape, value, path)
    elif kind in ("integer", "long", "float", "double"):
        yield from _number_problems(shape, value, path)


def _structure_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, Mapping):
        yield _said(path, "Member must be an object")
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
    for place, each in enumerate(value, start=1):
        yield from _problems(shape.member, each, f"{path}.{place}.member")


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
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield _said(path, "Member must be a number")
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
