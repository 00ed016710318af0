"""The shape of an entry in MiniStack's table of resource types.

`create(logical_id, properties, stack_name)` and `update(physical_id, old, new, stack_name)` return
the physical id and the attributes for Fn::GetAtt; a physical id that differs from the old one means
that the resource was replaced, and that `delete(physical_id, properties)` is called for the old one
when the stack's update has succeeded. A ValueError becomes the reason of CREATE_FAILED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

Properties = dict[str, Any]
Outcome = tuple[str, Mapping[str, Any]]


def table() -> dict[str, dict[str, Callable[..., Any]]]:
    """MiniStack's handlers by resource type; what is written into it counts from then on."""
    from ministack.services.cloudformation import provisioners

    return cast("dict[str, dict[str, Callable[..., Any]]]", provisioners._RESOURCE_HANDLERS)


def add(
    resource_type: str,
    *,
    create: Callable[[str, Properties, str], Outcome],
    update: Callable[[str, Properties, Properties, str], Outcome],
    delete: Callable[[str, Properties], None],
) -> None:
    """Register a type that MiniStack lacks."""
    if resource_type in table():
        raise ValueError(f"MiniStack has {resource_type} itself now; change its handlers instead")
    table()[resource_type] = {"create": create, "update": update, "delete": delete}


def required(properties: Properties, name: str) -> Any:
    """A required property, or the failure that CloudFormation reports."""
    if properties.get(name) in (None, "", []):
        raise ValueError(f"Properties validation failed: #: required key [{name}] not found")
    return properties[name]


def extend(resource_type: str, *, applied: Callable[[str, Properties, Properties], None]) -> None:
    """Do more after MiniStack's own create and update of a type.

    `applied(physical_id, old_properties, new_properties)`; the old ones are empty after a create.
    """
    handlers = table()[resource_type]
    stock_create, stock_update = handlers["create"], handlers["update"]

    def create(logical_id: str, properties: Properties, stack: str) -> Outcome:
        outcome: Outcome = stock_create(logical_id, properties, stack)
        applied(outcome[0], {}, properties)
        return outcome

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Outcome:
        outcome: Outcome = stock_update(physical_id, old, new, *rest)
        applied(outcome[0], old if outcome[0] == physical_id else {}, new)
        return outcome

    handlers["create"], handlers["update"] = create, update


def true(value: Any) -> bool:
    """A boolean of a template, which may be text."""
    return str(value).lower() == "true"
