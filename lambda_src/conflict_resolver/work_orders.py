"""How changes of a work order come together. No AWS, no clock: the same answer every time.

- Work is not undone by an older plan: the status only moves forward, and what is done stays done.
  A cancellation wins over everything but that.
- Tags are a set: what anybody added is there, once.
- Every other field that the late change names is taken from it; all others stay as they are. The
  person in the field sends what they saw last, and only what they changed.
- What has been deleted stays deleted; work that has begun is not deleted by somebody who had not
  seen that it has.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Item = dict[str, Any]

ORDER = ("PLANNED", "IN_PROGRESS", "CANCELLED", "DONE")
BEGUN = ("IN_PROGRESS", "DONE")
# AppSync's own, and the key: never taken from a change.
KEPT = frozenset({"id", "_version", "_deleted", "_lastChangedAt", "_ttl", "createdAt"})


def resolve(*, operation: str, given: Item, existing: Item, proposed: Item) -> Item:
    """What to do about a change that was made to an older version than `existing`.

    `operation` is the mutation's field, `given` its input, `proposed` what it would have written.
    """
    if existing.get("_deleted"):
        return {"action": "REJECT"}
    if operation.startswith("delete"):
        return {"action": "REJECT" if existing.get("status") in BEGUN else "REMOVE"}
    return {"action": "RESOLVE", "item": merged(given, existing, proposed)}


def merged(given: Item, existing: Item, proposed: Item) -> Item:
    """The existing item with what the late change says of it."""
    item = {name: value for name, value in existing.items() if value is not None}
    for name in given:
        if name in KEPT:
            continue
        value = proposed.get(name, given[name])
        if name == "status":
            value = later(existing.get("status"), value)
        elif name == "tags" and value is not None:
            value = union(existing.get("tags") or [], value)
        if value is None:
            item.pop(name, None)
        else:
            item[name] = value
    if proposed.get("updatedAt"):
        item["updatedAt"] = max(proposed["updatedAt"], existing.get("updatedAt") or "")
    return item


def later(one: str | None, other: str | None) -> str | None:
    """The status that is further on; one that is unknown here never wins over a known one."""
    known = [status for status in (one, other) if status in ORDER]
    return max(known, key=ORDER.index) if known else one


def union(one: list[str], other: list[str]) -> list[str]:
    """Every value once, in the order in which they came."""
    return list(dict.fromkeys([*one, *other]))
