"""What is stopped on its way to the model, and on its way back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock
from constructs import Construct

from stacks.guardrail_topics import TOPICS
from stacks.settings_guardrail import GuardrailSettings

HARMFUL = ("HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT")
# https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-sensitive-filters.html
PERSONAL = ("NAME", "EMAIL", "PHONE", "ADDRESS")
NEVER = (
    "PASSWORD",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "CREDIT_DEBIT_CARD_NUMBER",
    "CREDIT_DEBIT_CARD_CVV",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "US_SOCIAL_SECURITY_NUMBER",
)
STOPPED_QUESTION = "This question cannot be answered here. Please ask about the documents."
STOPPED_ANSWER = "The answer was withheld, because it does not keep to the rules of this assistant."


class Guardrail(Construct):
    """Filters for content, personal data, topics and words, and a check against the documents.

    Only a version is used, never the draft, so a change of the draft is in effect with the
    deployment that makes the next version, and is part of what a cached answer depends on.
    CloudFormation makes a version when its description changes: the description has a digest of the
    policies (https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-versions-create.html).

    Attacks on the prompt are looked for in questions; documents are marked as sources and are not,
    so prompts fence them (`prompts/`), and citations are compared with them. AWS looks at none that
    a knowledge base retrieved either
    (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-test-retrieve-generate.html).

    How well an answer is supported is checked where prompts have documents. AWS does not support
    that check for conversations, so it is given a question that stands alone
    (https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html).

    The classic tier: the standard one sends texts to other Regions, which is not for a default to
    decide (https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-tiers.html).

    Attributes: `guardrail_id`, `guardrail_arn`, `version`, `digest` of what it says.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: GuardrailSettings) -> None:
        super().__init__(scope, construct_id)
        policies: dict[str, Any] = {
            "content_policy_config": {"filtersConfig": _content(settings)},
            "sensitive_information_policy_config": {"piiEntitiesConfig": _personal_data(settings)},
            "word_policy_config": _words(settings),
            "contextual_grounding_policy_config": {
                "filtersConfig": [
                    {"type": "GROUNDING", "threshold": settings.grounding_threshold},
                    {"type": "RELEVANCE", "threshold": settings.relevance_threshold},
                ]
            },
            **({"topic_policy_config": _topics(settings)} if settings.denied_topics else {}),
        }
        messages: dict[str, Any] = {
            "blocked_input_messaging": STOPPED_QUESTION,
            "blocked_outputs_messaging": STOPPED_ANSWER,
        }
        draft = bedrock.CfnGuardrail(
            self,
            "Draft",
            name=Stack.of(self).stack_name,
            description="Groundwork: questions and answers of the assistant",
            **messages,
            **policies,
        )
        content = json.dumps([policies, messages], sort_keys=True)
        self.digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        self.version = bedrock.CfnGuardrailVersion(
            self,
            "Version",
            guardrail_identifier=draft.attr_guardrail_id,
            description=self.digest,
        ).attr_version
        self.guardrail_id = draft.attr_guardrail_id
        self.guardrail_arn = draft.attr_guardrail_arn


def _content(settings: GuardrailSettings) -> list[dict[str, str]]:
    strength = settings.content_filters
    harmful = [
        {"type": kind, "inputStrength": strength, "outputStrength": strength} for kind in HARMFUL
    ]
    # Answers cannot attack a prompt, and Bedrock takes no strength for them.
    attacks = {"type": "PROMPT_ATTACK", "inputStrength": strength, "outputStrength": "NONE"}
    return [*harmful, attacks]


def _personal_data(settings: GuardrailSettings) -> list[dict[str, str]]:
    action = {"mask": "ANONYMIZE", "block": "BLOCK"}.get(settings.personal_data)
    return [
        *({"type": kind, "action": action} for kind in PERSONAL if action),
        *({"type": kind, "action": "BLOCK"} for kind in NEVER),
    ]


def _words(settings: GuardrailSettings) -> dict[str, Any]:
    words = [{"text": word} for word in settings.denied_words]
    return {
        "managedWordListsConfig": [{"type": "PROFANITY"}],
        **({"wordsConfig": words} if words else {}),
    }


def _topics(settings: GuardrailSettings) -> dict[str, Any]:
    return {
        "topicsConfig": [
            {
                "type": "DENY",
                "name": topic.name,
                "definition": topic.definition,
                "examples": list(topic.examples),
            }
            for topic in (TOPICS[name] for name in settings.denied_topics)
        ]
    }
