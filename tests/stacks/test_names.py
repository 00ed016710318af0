"""Names that have the stage in them fit into what AWS allows, whatever the stage is called."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from stacks.settings import LONGEST_STAGE
from tests.stacks.checks_tags import REGION
from tests.stacks.reading import Template
from tests.stacks.synthesis import VARIANTS, stage_of

# What the schemas do not say.
# https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateUser.html
# https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateUserGroup.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
LIMITS = {
    ("AWS::ElastiCache::User", "UserId"): 40,
    ("AWS::ElastiCache::UserGroup", "UserGroupId"): 40,
    ("AWS::SQS::Queue", "QueueName"): 80,
}


def longest(template: Template, *, stage: str) -> Iterator[tuple[str, int, int]]:
    """Resource and property, how long the name may become, and how long AWS allows it to be."""
    for name, resource in template["Resources"].items():
        kind = resource["Type"]
        if kind.startswith("Custom::"):
            continue
        known = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema["properties"]
        for key, value in resource.get("Properties", {}).items():
            if isinstance(value, str) and f"-{stage}-" in value:
                most = LIMITS.get((kind, key)) or known[key].get("maxLength")
                if most:
                    yield f"{name}.{key}", len(value) - len(stage) + LONGEST_STAGE, most


def too_long(templates: dict[str, Template], *, stage: str) -> list[str]:
    return [
        name
        for template in templates.values()
        for name, length, most in longest(template, stage=stage)
        if length > most
    ]


def test_names_fit_with_the_longest_stage(templates) -> None:
    for variant in VARIANTS:
        assert too_long(templates[variant], stage=stage_of(variant)) == [], variant
    limited = {name for name, *_ in longest(templates["keys"]["Assistant"], stage="dev")}
    assert {name.partition(".")[2] for name in limited} == {"Name", "UserGroupId", "UserId"}


def test_a_name_that_is_too_long_is_found(templates) -> None:
    template = copy.deepcopy(templates["keys"]["Assistant"])
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ElastiCache::UserGroup":
            resource["Properties"]["UserGroupId"] += "-2"
    assert len(too_long({"Assistant": template}, stage="dev")) == 1
