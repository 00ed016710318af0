"""Calls of MiniStack's own service functions from a resource type, in the API's spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Answer = tuple[int, Mapping[str, str], bytes | str]


def camel(value: Any) -> Any:
    """A template's member names as the API spells them: `NameOfIt` becomes `nameOfIt`."""
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: camel(each) for name, each in value.items()}
    if isinstance(value, list):
        return [camel(each) for each in value]
    return value


def body(properties: Mapping[str, Any]) -> bytes:
    """A request's body; tags of a template are a map or a list, the API's a map."""
    request = camel({name: value for name, value in properties.items() if name != "Tags"})
    tags = properties.get("Tags") or {}
    if isinstance(tags, list):
        tags = {each["Key"]: each["Value"] for each in tags}
    return json.dumps({**request, "tags": tags} if tags else request).encode()


def answered(response: Answer) -> dict[str, Any]:
    """What the service answered, or the failure that CloudFormation shows."""
    status, _, content = response
    answer: dict[str, Any] = json.loads(content or b"{}")
    if status >= 300:
        message = answer.get("message") or answer.get("Message") or ""
        code = str(answer.get("__type", status)).rpartition("#")[2]
        raise ValueError(f"{message} (Service: Bedrock, Status Code: {status}, {code})")
    return answer


def replaces(old: Mapping[str, Any], new: Mapping[str, Any], create_only: Sequence[str]) -> bool:
    """Whether an update changes what only a new resource can have; paths as `Outer/Inner`."""
    return any(_at(old, path) != _at(new, path) for path in create_only)


def _at(value: Any, path: str) -> Any:
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
