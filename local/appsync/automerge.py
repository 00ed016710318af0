"""AUTOMERGE: a stale write merged onto the item by the type of each attribute.

https://docs.aws.amazon.com/appsync/latest/devguide/conflict-detection-and-resolution.html#automerge
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Typed = Mapping[str, Any]
SETS = ("SS", "NS", "BS")


def merged(existing: Mapping[str, Typed], incoming: Mapping[str, Typed]) -> dict[str, Any]:
    """The server's attributes win, lists append, sets unite, maps recurse, what is new is added.

    Attributes that the incoming write leaves out stay.
    """
    result = dict(existing)
    for name, value in incoming.items():
        result[name] = _value(existing.get(name), value)
    return result


def written(after: Mapping[str, Typed], paths: Iterable[tuple[str | int, ...]]) -> dict[str, Any]:
    """What an update wrote, as an item of its own: only that meets the server's attributes.

    A removal writes nothing, and an element of a list is the list's business: both lose.
    """
    incoming: dict[str, Any] = {}
    for path in paths:
        value: Typed | None = {"M": after}
        for step in path:
            members = value.get("M", {}) if value else {}
            value = members.get(step) if isinstance(step, str) else None
        if value is not None:
            _place(incoming, [str(step) for step in path], value)
    return incoming


def _place(item: dict[str, Any], path: list[str], value: Typed) -> None:
    for step in path[:-1]:
        item = item.setdefault(step, {"M": {}})["M"]
    item[path[-1]] = value


def _value(existing: Typed | None, incoming: Typed) -> Typed:
    if existing is None or "NULL" in existing:
        return incoming
    ((old_kind, old),) = existing.items()
    ((new_kind, new),) = incoming.items()
    if old_kind != new_kind:
        return _set_with_list(existing, incoming)
    if old_kind == "L":
        return {"L": [*old, *new]}
    if old_kind in SETS:
        return {old_kind: _union(old, new)}
    if old_kind == "M":
        return {"M": merged(old, new)}
    return existing


def _set_with_list(existing: Typed, incoming: Typed) -> Typed:
    """A list of strings that meets a set: GraphQL knows lists only, the table decides."""
    ((kind, old),) = existing.items()
    if kind in SETS and "L" in incoming:
        return {kind: _union(old, (next(iter(each.values())) for each in incoming["L"]))}
    return existing


def _union(old: Iterable[str], new: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))
