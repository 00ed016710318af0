"""Text of JSON: the documentation of one AWS operation or service, or any other JSON document.

Service documentation (what `local/corpus.py` writes) is an object with `service` (`id`, `name`,
`apiVersion`) and either `operation` (`name`, `documentation`) with `input`, `output` and `errors`
(each a list of `name`, `type`, `required`, `documentation`, `members`), or `documentation` and
`operations` (a list of names). The documentation is HTML. Other JSON becomes an outline of its
names and values. Fields of the wrong type are left out rather than refused: one odd member should
not keep a document out of the knowledge base.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from worker.jobs.documents.document import Document
from worker.jobs.documents.fragment import write_fragment
from worker.jobs.documents.lines import Lines, one_line
from worker.outcomes import Reject

MAX_CHARACTERS = 5_000_000
"""Bounds memory: a parsed character takes up to 20 bytes, and a worker runs many threads."""
MAX_DEPTH = 60
"""Levels of nesting: more than any documentation has, less than Python's stack."""

_SECTIONS = (("input", "Request members"), ("output", "Response members"), ("errors", "Errors"))


def read_json(text: str) -> Document:
    """Service documentation as prose, other JSON as an outline.

    Raises Reject naming line and column when the JSON is broken, or when it is too long or too
    deeply nested.
    """
    if len(text) > MAX_CHARACTERS:
        raise Reject(f"document: has more than {MAX_CHARACTERS:,} characters of JSON; split it")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise Reject(
            f"document: is not valid JSON at line {error.lineno}, column {error.colno}"
            f" ({error.msg}); repair it and upload it again"
        ) from None
    except ValueError:  # an integer with thousands of digits
        raise Reject("document: holds a number too long to read; write it as a string") from None
    except RecursionError:
        raise _too_deep() from None
    if isinstance(value, dict) and isinstance(service := value.get("service"), dict):
        if isinstance(operation := value.get("operation"), dict):
            return _operation(value, service, operation)
        if "operations" in value:
            return _service(value, service)
    lines = Lines()
    _outline(value, "", lines, MAX_DEPTH)
    title = _string(value, "title") or _string(value, "name") if isinstance(value, dict) else ""
    return Document(title=one_line(title), text=lines.build())


def _operation(
    value: Mapping[str, Any], service: Mapping[str, Any], operation: Mapping[str, Any]
) -> Document:
    service_name = _string(service, "name") or _string(service, "id")
    name = _string(operation, "name")
    title = one_line(f"{name} - {service_name}" if name else service_name)
    lines = Lines()
    lines.inline(title)
    lines.paragraph()
    write_fragment(_string(operation, "documentation"), lines)
    for section, heading in _SECTIONS:
        members = value.get(section)
        if isinstance(members, list) and members:
            lines.paragraph()
            lines.inline(f"{heading}:")
            _members(members, "", lines, MAX_DEPTH)
    attributes = _identity(service, service_name) | ({"operation": one_line(name)} if name else {})
    return Document(title=title, text=lines.build(), attributes=attributes)


def _service(value: Mapping[str, Any], service: Mapping[str, Any]) -> Document:
    name = one_line(_string(service, "name") or _string(service, "id"))
    lines = Lines()
    lines.inline(name)
    lines.paragraph()
    write_fragment(_string(value, "documentation"), lines)
    operations = value["operations"]
    names = [name for name in operations if isinstance(name, str)] if operations else []
    if names:
        lines.paragraph()
        lines.inline(f"Operations: {', '.join(names)}.")
    return Document(title=name, text=lines.build(), attributes=_identity(service, name))


def _identity(service: Mapping[str, Any], name: str) -> dict[str, str]:
    known = {"service": _string(service, "id"), "service_name": name}
    return {key: one_line(value) for key, value in known.items() if value}


def _members(members: list[Any], within: str, lines: Lines, depth: int) -> None:
    if depth == 0:
        raise _too_deep()
    for member in members:
        if not isinstance(member, dict) or not (name := _string(member, "name")):
            continue
        notes = [_string(member, "type"), "required" if member.get("required") is True else ""]
        note = ", ".join(filter(None, notes))
        lines.item()
        lines.inline(f"{within}{name} ({note}): " if note else f"{within}{name}: ")
        write_fragment(_string(member, "documentation").removeprefix("<p>"), lines)
        if isinstance(nested := member.get("members"), list):
            _members(nested, f"{within}{name}.", lines, depth - 1)
        lines.line()


def _outline(value: object, name: str, lines: Lines, depth: int) -> None:
    if depth == 0:
        raise _too_deep()
    if isinstance(value, dict):
        for key, inner in value.items():
            _outline(inner, f"{name}.{key}" if name else key, lines, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _outline(inner, name, lines, depth - 1)
    elif value is not None and value != "":
        text = value if isinstance(value, str) else json.dumps(value)
        lines.inline(f"{name}: {text}" if name else text)
        lines.line()


def _string(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _too_deep() -> Reject:
    return Reject(f"document: JSON nested deeper than {MAX_DEPTH} levels; flatten it")
