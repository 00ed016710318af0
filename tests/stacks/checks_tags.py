"""Rules for tags, which an account's cost report asks for at any time."""

from __future__ import annotations

from functools import cache

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.stacks.reading import Template

REGION = "eu-west-1"


@cache
def replaced_by(kind: str) -> tuple[str, ...]:
    """Names of a type's properties that hold tags and cannot be changed, by its schema.

    The schemas are CloudFormation's own, as cfn-lint carries them
    (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html).
    """
    if kind.startswith("Custom::"):
        return ()
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    tagging = schema.get("tagging", {})
    held = tagging.get("tagProperty", "/properties/Tags")
    fixed = held in schema.get("createOnlyProperties", ())
    return (held.rpartition("/")[2],) if fixed or not tagging.get("tagUpdatable", True) else ()


def check_no_tags_that_replace(template: Template) -> list[str]:
    """Another tag is a change of what has it, and of nothing that refers to it."""
    return [
        f"{name} is replaced when tags change"
        for name, resource in template["Resources"].items()
        for held in replaced_by(resource["Type"])
        if held in resource.get("Properties", {})
    ]
