"""AppSync's conflict handler for work orders.

AppSync hands over the item as the mutation would leave it, the item as it is, the arguments of the
mutation and its resolver, and expects what to do: RESOLVE with an item, REJECT, or REMOVE.
https://docs.aws.amazon.com/appsync/latest/devguide/conflict-detection-and-resolution.html
"""

from __future__ import annotations

from conflict_resolver.work_orders import resolve
from edge import json_log
from edge.keep_warm import keep_warm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """Decide, and log the decision with what it was about, but none of the contents."""
    existing = event["existingItem"]
    decision = resolve(
        operation=str(event["resolver"]["field"]),
        given=event["arguments"].get("input") or {},
        existing=existing,
        proposed=event.get("newItem") or {},
    )
    json_log.write(
        "conflict",
        action=decision["action"],
        field=event["resolver"]["field"],
        id=existing.get("id"),
        version=existing.get("_version"),
        sent=sorted(event["arguments"].get("input") or {}),
    )
    return decision


handler = keep_warm(handle)
