"""Guardrails, prompts, and their versions."""

from __future__ import annotations

from typing import Any

import pytest

from local.session import LocalAws
from tests.local.small_stack import Stack, get

pytestmark = pytest.mark.xdist_group("local-aws")


def test_guardrails_and_prompts_have_versions_that_do_not_change(
    stack: Stack, aws: LocalAws
) -> None:
    def resources(text: str, label: str) -> dict[str, Any]:
        variant = {
            "Name": "main",
            "TemplateType": "TEXT",
            "TemplateConfiguration": {
                "Text": {"Text": text, "InputVariables": [{"Name": "question"}]}
            },
        }
        return {
            "Guard": {
                "Type": "AWS::Bedrock::Guardrail",
                "Properties": {
                    "Name": "guard",
                    "BlockedInputMessaging": text,
                    "BlockedOutputsMessaging": "no",
                    "TopicPolicyConfig": {
                        "TopicsConfig": [{"Name": "t", "Definition": "d", "Type": "DENY"}]
                    },
                },
            },
            "GuardVersion": {
                "Type": "AWS::Bedrock::GuardrailVersion",
                "Properties": {
                    "GuardrailIdentifier": get("Guard", "GuardrailId"),
                    "Description": label,
                },
            },
            "Prompt": {
                "Type": "AWS::Bedrock::Prompt",
                "Properties": {"Name": "prompt", "DefaultVariant": "main", "Variants": [variant]},
            },
            "PromptVersion": {
                "Type": "AWS::Bedrock::PromptVersion",
                "Properties": {"PromptArn": get("Prompt", "Arn"), "Description": label},
            },
        }

    first = stack.deploy(resources("one {{question}}", "1"))
    assert first["GuardVersion"].endswith("|1")
    assert first["PromptVersion"] == f"{first['Prompt']}:1"
    second = stack.deploy(resources("two {{question}}", "2"))
    assert second["GuardVersion"].endswith("|2")
    assert second["PromptVersion"] == f"{first['Prompt']}:2"
    prompts = aws.client("bedrock-agent")
    identifier = first["Prompt"].rpartition("/")[2]
    found = prompts.get_prompt(promptIdentifier=identifier, promptVersion="2")
    assert found["variants"][0]["templateConfiguration"]["text"]["text"] == "two {{question}}"
    guard = aws.client("bedrock").get_guardrail(
        guardrailIdentifier=first["GuardVersion"].partition("|")[0], guardrailVersion="2"
    )
    assert guard["blockedInputMessaging"] == "two {{question}}"
