"""Every judge over the vector stores that no stage and no variant of the whole app has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from cloudformation_validate import CompositeEngine

from tests.built_once import built_once
from tests.judges.action_table import problems
from tests.judges.assembly import Resolver, Templates, inline_policies, read_reports, read_templates
from tests.judges.judged_stores import STORES
from tests.judges.parliament_findings import parliament_findings
from tests.judges.test_template_validators import linted, validated
from tests.stacks.reading import statements

pytestmark = pytest.mark.xdist_group("vector stores")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_once(
        tmp_path_factory,
        "judged stores",
        ["-m", "tests.judges.judged_stores"],
        environment={"CDK_VALIDATION": "true"},
    )


@pytest.fixture(scope="module")
def templates(judged: Path) -> Mapping[str, Templates]:
    return {variant: read_templates(judged / variant) for variant in STORES}


@pytest.mark.parametrize("variant", STORES)
def test_judges_of_synth_find_nothing(judged: Path, variant: str) -> None:
    reports = read_reports(judged / variant)
    assert set(reports.findings) >= {"AwsSolutions", "Serverless"}
    found = [
        f"{judge} {finding.rule} {finding.path}"
        for judge, findings in reports.findings.items()
        for finding in findings
        if "-Knowledge/" in finding.path
    ]
    assert found == []


def test_template_validators_find_nothing(templates: Mapping[str, Templates]) -> None:
    engine = CompositeEngine()
    for variant in STORES:
        template = templates[variant]["Knowledge"]
        assert linted(template, ["eu-west-1"]) == [], variant
        assert validated(engine, template, "eu-west-1") == [], variant


@pytest.mark.parametrize("variant", STORES)
def test_policies_are_of_actions_and_resources_that_exist(
    templates: Mapping[str, Templates], variant: str
) -> None:
    resolve = Resolver(templates[variant])
    seen = 0
    for role, name, document in inline_policies(templates[variant]["Knowledge"]):
        resolved = resolve(document)
        seen += 1
        found = [
            problem
            for statement in statements(resolved)
            for problem in problems(statement, attached_to_resource=False)
        ]
        assert found == [], f"{role}/{name}"
        assert parliament_findings(resolved) == [], f"{role}/{name}"
    assert seen >= 3
