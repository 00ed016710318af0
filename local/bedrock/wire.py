"""Requests, found and checked by botocore's own models of the four Bedrock services.

Paths, members, ranges and patterns are data of the SDK; so what the SDK can send is what is
understood here, and a wrong value is refused in the words of AWS's own validation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from local.bedrock.errors import invalid
from local.request_checks import json_object, problem_of

SERVICES = ("bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime")


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
    problem = problem_of(shape, members)
    if problem:
        raise invalid(problem)
    return Request(operation=found.operation, members=members, payload=body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        return json_object(body)
    except ValueError as error:
        raise invalid(str(error)) from None


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
