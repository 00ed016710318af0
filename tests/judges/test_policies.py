"""Every policy of every template against AWS's table of actions, and by parliament."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.judges.action_table import problems
from tests.judges.assembly import Resolver, Templates, inline_policies
from tests.judges.judged_synthesis import JUDGED
from tests.judges.parliament_findings import parliament_findings
from tests.stacks.reading import resource_policies, resources, statements

pytestmark = pytest.mark.xdist_group("judges")

# Limits of what a role may hold in inline policies, without white space.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
INLINE_CHARACTERS = 10_240
BUCKET = "arn:aws:s3:::sample"
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:Sample"


def all_statements(templates: Templates) -> Iterator[tuple[str, dict[str, Any], bool]]:
    resolve = Resolver(templates)
    for template in templates.values():
        keys = resources(template, "AWS::KMS::Key")
        for role, name, document in inline_policies(template):
            for statement in statements(document):
                yield f"{role}/{name}", resolve(statement), False
        for owner, document in resource_policies(template):
            for statement in statements(document):
                yield owner, resolve(statement), owner in keys


@pytest.mark.parametrize("variant", JUDGED)
def test_actions_resources_and_keys_exist_and_belong_together(
    judged_templates, variant: str
) -> None:
    found = [
        f"{owner}: {problem}"
        for owner, statement, on_key in all_statements(judged_templates[variant])
        for problem in problems(statement, attached_to_resource=on_key)
    ]
    assert found == []


@pytest.mark.parametrize("variant", JUDGED)
def test_parliament_finds_nothing(judged_templates, variant: str) -> None:
    resolve = Resolver(judged_templates[variant])
    seen = 0
    for template in judged_templates[variant].values():
        for role, name, document in inline_policies(template):
            seen += 1
            assert parliament_findings(resolve(document)) == [], f"{role}/{name}"
    assert seen >= 5


@pytest.mark.parametrize("variant", JUDGED)
def test_inline_policies_fit_into_the_role(judged_templates, variant: str) -> None:
    resolve = Resolver(judged_templates[variant])
    for template in judged_templates[variant].values():
        lengths: dict[str, int] = {}
        for role, _, document in inline_policies(template):
            text = json.dumps(resolve(document), separators=(",", ":"))
            lengths[role] = lengths.get(role, 0) + len(text)
        assert all(length <= INLINE_CHARACTERS for length in lengths.values()), lengths


@pytest.mark.parametrize(
    ("action", "resource", "said"),
    [
        ("sqs:RecieveMessage", QUEUE, "does not exist"),
        ("sqs:ReceiveMessage", BUCKET, "does not apply"),
        ("s3:GetObject", QUEUE, "does not apply"),
        ("s3:ListBucket", f"{BUCKET}/*", "does not apply"),
        ("s3:GetObject", BUCKET, "does not apply"),
        ("s3:GetObject", "*", "knows resources"),
        (["sqs:ReceiveMessage", "s3:ListBucket"], [QUEUE, f"{BUCKET}/*"], "does not apply"),
        ("ssmmessages:OpenDataChannel", BUCKET, "does not apply"),
    ],
)
def test_the_table_can_find(action, resource, said: str) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    assert any(said in problem for problem in problems(statement)), list(problems(statement))


def test_the_table_finds_a_misspelt_condition() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceARNs": "x"}},
    }
    assert list(problems(statement)) == ["ArnEquals asks for the unknown key aws:SourceARNs"]


def test_parliament_can_find() -> None:
    statement = {"Effect": "Allow", "Action": "sqs:ReceiveMessages", "Resource": QUEUE}
    (found,) = parliament_findings({"Version": "2012-10-17", "Statement": [statement]})
    assert found.startswith("UNKNOWN_ACTION")


def test_a_model_is_enough_for_parliament_and_another_action_beside_it_is_not_hidden() -> None:
    model = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0"
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": model}
    assert parliament_findings({"Version": "2012-10-17", "Statement": [statement]}) == []
    statement["Action"] = "sqs:SendMessage"
    assert parliament_findings({"Version": "2012-10-17", "Statement": [statement]})
