"""A deployed guardrail's judgement on a text, in the shape of its traces.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-independent-api.html

Words and patterns count literally, as in AWS; content, topics and grounding are heuristics, each in
its own module. A part that is only a grounding source is compared with, and not judged.

Where grounding is checked, texts have the lengths that AWS's quotas allow, the sources and the
queries of a request taken together
(https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html).
That page knows 100,000 characters of sources, the quotas half of it in most Regions
(https://docs.aws.amazon.com/general/latest/gr/bedrock.html); the stricter of the two holds here.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.bedrock.content_filters import content_filters
from local.bedrock.errors import invalid, missing
from local.bedrock.guardrail_parts import (
    GROUNDING_SOURCE,
    GUARD_CONTENT,
    QUERY,
    Part,
    Source,
    Verdict,
)
from local.bedrock.sensitive_information import found, masked
from local.bedrock.topics import denied_topics, grounding
from local.models.client import Models

# A sample of what AWS's managed list of profanity is taken to hold.
PROFANITY = (
    "asshole", "bastard", "bitch", "bullshit", "cunt", "dickhead", "fuck", "motherfucker", "shit",
)  # fmt: skip
UNIT_CHARACTERS = 1000
QUERY_UNITS, RESPONSE_UNITS = 1, 5
SOURCE_UNITS = {"us-east-1": 100, "us-west-2": 100}
SOURCE_UNITS_ELSEWHERE = 50


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """A version of a guardrail; policies in the spelling of CreateGuardrail."""

    identifier: str
    arn: str
    version: str
    policies: Mapping[str, Any]


@dataclass
class _Findings:
    assessment: dict[str, Any] = field(default_factory=dict)
    blocked: bool = False

    def add(self, policy: str, member: str, finding: Mapping[str, Any], blocks: bool) -> None:
        self.assessment.setdefault(policy, {}).setdefault(member, []).append(finding)
        self.blocked = self.blocked or blocks


class Guardrails:
    """All guardrails of the engine."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def find(self, identifier: str, version: str) -> Guardrail:
        """A deployed guardrail. Raises BedrockError."""
        from ministack.services import bedrock

        from local.types.guardrails import guardrail

        short = identifier.rpartition("/")[2]
        policies = guardrail(identifier, version or "DRAFT")
        if policies is None:
            raise missing(
                f"The guardrail identifier or version provided in the request does not exist: "
                f"{identifier} version {version or 'DRAFT'}."
            )
        return Guardrail(
            identifier=short,
            arn=bedrock._guardrail_arn(short),
            version=version or "DRAFT",
            policies=policies,
        )

    def assess(
        self,
        guardrail: Guardrail,
        source: Source,
        parts: Sequence[Part],
        *,
        context: Sequence[Part] = (),
    ) -> Verdict:
        """Judge parts; `context` holds what an answer has to be grounded in."""
        began = time.monotonic()
        if guardrail.policies.get("contextualGroundingPolicyConfig"):
            _check_lengths([*parts, *context], answered=source == "OUTPUT")
        judged = [part for part in parts if _judged(part)]
        text = "\n".join(part.text for part in judged)
        findings = _Findings()
        self._by_words(guardrail.policies, source, text, findings)
        self._by_meaning(guardrail.policies, source, text, findings)
        texts, changed = self._by_pattern(guardrail.policies, source, parts, findings)
        if source == "OUTPUT":
            self._by_grounding(guardrail.policies, text, [*parts, *context], findings)
        usage = _usage(guardrail.policies, text)
        blocked_text = "blockedInputMessaging" if source == "INPUT" else "blockedOutputsMessaging"
        coverage = {"textCharacters": {"guarded": len(text), "total": _total(parts)}}
        findings.assessment["invocationMetrics"] = {
            "guardrailProcessingLatency": round((time.monotonic() - began) * 1000),
            "usage": usage,
            "guardrailCoverage": coverage,
        }
        return Verdict(
            blocked=findings.blocked,
            masked=changed,
            texts=texts,
            message=guardrail.policies[blocked_text],
            assessment=findings.assessment,
            usage=usage,
            coverage=coverage,
        )

    def _by_words(
        self, policies: Mapping[str, Any], source: Source, text: str, findings: _Findings
    ) -> None:
        policy = policies.get("wordPolicyConfig") or {}
        side = "input" if source == "INPUT" else "output"
        for configured in policy.get("wordsConfig") or ():
            if configured.get(f"{side}Enabled", True) and _said(configured["text"], text):
                blocks = configured.get(f"{side}Action", "BLOCK") == "BLOCK"
                finding = {
                    "match": configured["text"],
                    "action": "BLOCKED" if blocks else "NONE",
                    "detected": True,
                }
                findings.add("wordPolicy", "customWords", finding, blocks)
        for configured in policy.get("managedWordListsConfig") or ():
            blocks = configured.get(f"{side}Action", "BLOCK") == "BLOCK"
            for word in PROFANITY:
                if configured.get(f"{side}Enabled", True) and _said(word, text):
                    finding = {
                        "match": word,
                        "type": "PROFANITY",
                        "action": "BLOCKED" if blocks else "NONE",
                        "detected": True,
                    }
                    findings.add("wordPolicy", "managedWordLists", finding, blocks)
        words = findings.assessment.get("wordPolicy")
        if words:
            words.setdefault("customWords", [])
            words.setdefault("managedWordLists", [])

    def _by_meaning(
        self, policies: Mapping[str, Any], source: Source, text: str, findings: _Findings
    ) -> None:
        for finding, blocks in content_filters(
            policies.get("contentPolicyConfig") or {}, source, text
        ):
            findings.add("contentPolicy", "filters", finding, blocks)
        topics = policies.get("topicPolicyConfig") or {}
        for finding, blocks in denied_topics(self._models, topics, source, text):
            findings.add("topicPolicy", "topics", finding, blocks)

    def _by_pattern(
        self,
        policies: Mapping[str, Any],
        source: Source,
        parts: Sequence[Part],
        findings: _Findings,
    ) -> tuple[list[str], bool]:
        policy = policies.get("sensitiveInformationPolicyConfig") or {}
        texts, changed = [], False
        for part in parts:
            seen = found(policy, source, part.text) if _judged(part) else []
            for each in seen:
                member = "regexes" if each.regex else "piiEntities"
                findings.add(
                    "sensitiveInformationPolicy", member, each.finding, each.action == "BLOCKED"
                )
            texts.append(masked(part.text, seen))
            changed = changed or texts[-1] != part.text
        information = findings.assessment.get("sensitiveInformationPolicy")
        if information:
            information.setdefault("piiEntities", [])
            information.setdefault("regexes", [])
        return texts, changed

    def _by_grounding(
        self, policies: Mapping[str, Any], text: str, parts: Sequence[Part], findings: _Findings
    ) -> None:
        policy = policies.get("contextualGroundingPolicyConfig")
        if not policy:
            return
        sources = [part.text for part in parts if GROUNDING_SOURCE in part.qualifiers]
        queries = [part.text for part in parts if QUERY in part.qualifiers]
        answer = "\n".join(
            part.text for part in parts if not part.qualifiers & {GROUNDING_SOURCE, QUERY}
        )
        for finding, blocks in grounding(
            self._models,
            policy,
            answer=answer or text,
            sources=sources,
            query=" ".join(queries),
        ):
            findings.add("contextualGroundingPolicy", "filters", finding, blocks)


def _check_lengths(parts: Sequence[Part], *, answered: bool) -> None:
    """Raises BedrockError; an answer is only looked at where there is one."""
    from ministack.core.responses import get_region

    lengths = {"query": 0, "grounding source": 0, "response": 0}
    for part in parts:
        if GROUNDING_SOURCE in part.qualifiers:
            lengths["grounding source"] += len(part.text)
        if QUERY in part.qualifiers:
            lengths["query"] += len(part.text)
        if answered and not part.qualifiers & {GROUNDING_SOURCE, QUERY}:
            lengths["response"] += len(part.text)
    units = {
        "query": QUERY_UNITS,
        "grounding source": SOURCE_UNITS.get(get_region(), SOURCE_UNITS_ELSEWHERE),
        "response": RESPONSE_UNITS,
    }
    for name, length in lengths.items():
        if length > units[name] * UNIT_CHARACTERS:
            raise invalid(
                f"The {name} for the contextual grounding check has {length} characters; at most "
                f"{units[name] * UNIT_CHARACTERS} are allowed."
            )


def _judged(part: Part) -> bool:
    return GROUNDING_SOURCE not in part.qualifiers or GUARD_CONTENT in part.qualifiers


def _said(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def _total(parts: Sequence[Part]) -> int:
    return sum(len(part.text) for part in parts)


def _usage(policies: Mapping[str, Any], text: str) -> dict[str, int]:
    """Units of a thousand characters per policy that the guardrail has.

    https://aws.amazon.com/bedrock/pricing/ (Guardrails); regular expressions are free.
    """
    units = math.ceil(len(text) / UNIT_CHARACTERS)
    information = policies.get("sensitiveInformationPolicyConfig") or {}
    return {
        "topicPolicyUnits": units if policies.get("topicPolicyConfig") else 0,
        "contentPolicyUnits": units if policies.get("contentPolicyConfig") else 0,
        "wordPolicyUnits": units if policies.get("wordPolicyConfig") else 0,
        "sensitiveInformationPolicyUnits": units if information.get("piiEntitiesConfig") else 0,
        "sensitiveInformationPolicyFreeUnits": units if information.get("regexesConfig") else 0,
        "contextualGroundingPolicyUnits": units
        if policies.get("contextualGroundingPolicyConfig")
        else 0,
    }
