"""One readable JSON per stack and stage, free of everything that changes without a reason."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.synthesis import STACKS

HASH = re.compile(r"[0-9a-f]{64}")
# A version's logical id ends with a hash of the function's code and configuration.
VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")

PLAN = re.compile(r"^const PLAN = (\{.+\});$", re.MULTILINE)


def normalised(template: dict[str, Any]) -> dict[str, Any]:
    """Hashes of assets by order of appearance; no bootstrap rule, no construct paths."""
    seen: dict[str, str] = {}
    text = HASH.sub(
        lambda match: seen.setdefault(match.group(), f"<asset-{len(seen) + 1}>"),
        VERSION.sub(r"\1", json.dumps(template)),
    )
    plain: dict[str, Any] = json.loads(text)
    plain.pop("Rules", None)
    plain.get("Parameters", {}).pop("BootstrapVersion", None)
    for resource in plain["Resources"].values():
        metadata = resource.get("Metadata", {})
        for key in [name for name in metadata if name.startswith(("aws:asset", "aws:cdk:path"))]:
            del metadata[key]
        if not metadata:
            resource.pop("Metadata", None)
        _without_code(resource)
    return plain


def _without_code(resource: dict[str, Any]) -> None:
    """Of the API's code, which is in appsync_src as it is, the plans that differ are left."""
    properties = resource.get("Properties", {})
    if resource["Type"].startswith("AWS::AppSync::") and "Code" in properties:
        plan = PLAN.search(properties["Code"])
        properties["Code"] = json.loads(plan.group(1)) if plan else "<code>"
    if resource["Type"] == "AWS::AppSync::GraphQLSchema":
        properties["Definition"] = "<appsync_src/api.graphql>"


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("stack", STACKS)
def test_template_is_the_accepted_one(templates, snapshot, stage: str, stack: str) -> None:
    accepted = snapshot.use_extension(JSONSnapshotExtension)
    assert normalised(templates[stage][stack]) == accepted


@pytest.mark.parametrize("stack", ["Fleet", "Functions"])
def test_a_snapshot_does_not_change_with_the_programs(templates, stack: str) -> None:
    before, after = templates["dev"][stack], templates["other-code"][stack]
    assert before != after
    assert normalised(before) == normalised(after)
