"""A resource of a stack never becomes one of another type.

CloudFormation refuses such an update; MiniStack would call the new type's handler for the old
resource, which leaves the old one behind
(https://repost.aws/knowledge-center/cloudformation-resource-type-change).
"""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Look before a resource is updated."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import stacks

    stock = stacks._update_resource

    def update(resource_type: str, *rest: Any) -> Any:
        stack_name, logical_id = rest[3], rest[4]
        known = cloudformation._stacks[stack_name]["_resources"].get(logical_id, {})
        if known.get("ResourceType", resource_type) != resource_type:
            raise ValueError(
                "Update of resource type is not permitted. The new template modifies resource "
                f"type of the following resources: [{logical_id}]"
            )
        return stock(resource_type, *rest)

    stacks._update_resource = update
