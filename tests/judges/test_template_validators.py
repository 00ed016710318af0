"""cfn-lint in several Regions, and AWS's template validation as a package of its own.

Both know more than the validation inside synth: cfn-lint has rules of its own and a schema per
Region, the package is newer than the copy in aws-cdk-lib.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.rules import Rules
from cfnlint.runner import Runner, run_template_by_data
from cloudformation_validate import (
    CompositeEngine,
    PseudoParameterOverrides,
    Severity,
    TemplateContent,
    ValidateConfig,
)

from tests.judges.judged_synthesis import JUDGED
from tests.stacks.mutating import ALARM, GROUP, QUEUE, changed
from tests.stacks.reading import Template
from tests.stacks.synthesis import STACKS

pytestmark = pytest.mark.xdist_group("judges")

STAGES = ("dev", "prod")
# Home Regions of two continents, and one of the youngest, which has the fewest services.
REGIONS = ["eu-west-1", "us-east-1", "mx-central-1"]
# Where a stack cannot be, as the Region lacks a service: in the youngest AppSync, OpenSearch
# Serverless and knowledge bases.
# https://docs.aws.amazon.com/general/latest/gr/appsync.html
ELSEWHERE = {"mx-central-1": {"Offline", "Knowledge", "Assistant"}}
# W3005: a DependsOn that a reference implies anyway. CDK writes such on every policy, route and
# function.
IGNORED = ["W3005"]


@functools.cache
def rules() -> Rules:
    """All that cfn-lint knows, read once for all templates, as it does for files."""
    return Runner(ConfigMixIn(ignore_checks=IGNORED)).rules


def linted(template: Template, regions: list[str]) -> list[str]:
    decoded, problems = decode_str(json.dumps(template))
    assert decoded is not None, problems
    config = ConfigMixIn(regions=regions, ignore_checks=IGNORED)
    matches = run_template_by_data(decoded, config, rules())
    return [f"{match.rule.id} {match.message}" for match in matches]


@pytest.fixture(scope="module")
def engine() -> CompositeEngine:
    return CompositeEngine()


def validated(engine: CompositeEngine, template: Template, region: str) -> list[str]:
    config = ValidateConfig(
        pseudo_parameter_overrides=PseudoParameterOverrides(region=region), strict=True
    )
    report = engine.validate_template(TemplateContent(json.dumps(template)), config)
    return [
        f"{each.rule_id} {each.message}"
        for each in report.diagnostics
        if each.severity not in (Severity.INFO, Severity.DEBUG) and each.rule_id not in IGNORED
    ]


def possible(stack: str) -> list[str]:
    return [each for each in REGIONS if stack not in ELSEWHERE.get(each, ())]


def all_of(templates: Any) -> Iterator[tuple[str, Template]]:
    for variant in JUDGED:
        for stack in STACKS:
            yield f"{variant} {stack}", templates[variant][stack]


def test_cfn_lint_finds_nothing(judged_templates) -> None:
    done: set[str] = set()
    for name, template in all_of(judged_templates):
        variant, stack = name.split()
        regions = possible(stack) if variant in STAGES else REGIONS[:1]
        # Stages come first: what a variant has in common with them was judged in more Regions.
        if (body := json.dumps(template)) in done:
            continue
        done.add(body)
        assert linted(template, regions) == [], name
    assert tuple(JUDGED[: len(STAGES)]) == STAGES


@pytest.mark.parametrize("region", REGIONS)
def test_the_validation_package_finds_nothing(judged_templates, engine, region: str) -> None:
    for name, template in all_of(judged_templates):
        variant, stack = name.split()
        # A setting may ask for what not every Region has (SnapStart); a stage may not.
        if region not in (possible(stack) if variant in STAGES else REGIONS[:1]):
            continue
        assert validated(engine, template, region) == [], name


@pytest.mark.parametrize(
    ("mutate", "rule"),
    [
        (changed(GROUP, "", "MinSize", "few"), "E3031"),
        (changed(QUEUE, "WorkQueue", "RedrivePolicy", "maxReceiveCount", "x"), "E3012"),
        (changed(ALARM, "AlarmsDead", "ComparisonOperator", "Above"), "E3030"),
        (changed(ALARM, "AlarmsDead", "Treshold", 1), "E3002"),
    ],
)
def test_cfn_lint_can_fail(judged_templates, mutate, rule: str) -> None:
    template = copy.deepcopy(judged_templates["dev"]["Fleet"])
    mutate(template)
    assert rule in {finding.split()[0] for finding in linted(template, ["eu-west-1"])}


def test_cfn_lint_knows_what_a_region_lacks(judged_templates) -> None:
    """The judge of Regions is not deaf either: a type that mx-central-1 does not have."""
    template = copy.deepcopy(judged_templates["dev"]["Network"])
    template["Resources"]["Elsewhere"] = {"Type": "AWS::RoboMaker::Fleet", "Properties": {}}
    assert any(finding.startswith("E3006") for finding in linted(template, ["mx-central-1"]))


@pytest.mark.parametrize(
    "mutate",
    [
        changed(QUEUE, "WorkQueue", "VisibilityTimeout", 90_000),
        changed(ALARM, "AlarmsDead", "ComparisonOperator", "Above"),
        changed(GROUP, "", "VPCZoneIdentifier", [{"Ref": "Nowhere"}]),
    ],
)
def test_the_validation_package_can_fail(judged_templates, engine, mutate) -> None:
    template = copy.deepcopy(judged_templates["dev"]["Fleet"])
    mutate(template)
    assert validated(engine, template, "eu-west-1")
