# ruff: noqa: E501 (an expression is easier to read in one line)
"""Content filters and prompt attacks by words: an honest heuristic in place of AWS's classifiers.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-content-filters.html: a filter's
strength says from which confidence on it blocks. Here a phrase has a fixed confidence. What it
proves: that what a guardrail blocks is blocked, and how. It says nothing about what AWS's
classifiers would find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.bedrock.guardrail_parts import Source

CONFIDENCES = ("NONE", "LOW", "MEDIUM", "HIGH")
# A filter of HIGH strength blocks from LOW confidence on.
LEAST: Mapping[str, str | None] = {"NONE": None, "LOW": "HIGH", "MEDIUM": "MEDIUM", "HIGH": "LOW"}

PHRASES: Mapping[str, Sequence[tuple[str, str]]] = {
    "PROMPT_ATTACK": (
        (
            "HIGH",
            r"(?:ignore|disregard|forget|override|bypass)\s+(?:\w+\s+){0,4}"
            r"(?:instruction|prompt|rule|guideline|direction)s?",
        ),
        (
            "HIGH",
            r"(?:reveal|print|show|repeat|output|tell me|display)\s+(?:\w+\s+){0,4}"
            r"(?:system prompt|hidden prompt|initial instructions|your instructions)",
        ),
        ("HIGH", r"\b(?:do anything now|DAN mode|jailbreak(?:ed)?|developer mode)\b"),
        ("HIGH", r"</?(?:system|instructions?|documents?)>"),
        ("MEDIUM", r"\byou are (?:now|no longer)\b"),
        ("MEDIUM", r"\b(?:new|updated) (?:system )?(?:instructions|rules)\s*:"),
        ("MEDIUM", r"\b(?:pretend|act as if) (?:you|there)\b.{0,40}\b(?:no|without) (?:rule|restriction|limit)"),
        ("LOW", r"\broleplay as\b"),
    ),
    "VIOLENCE": (
        ("HIGH", r"\b(?:build|make|assemble|detonate) (?:a |an )?(?:\w+ )?(?:bomb|explosive)s?\b"),
        ("HIGH", r"\b(?:murder|massacre|torture|behead|stab|shoot) (?:a |my |the |him|her|them)"),
        ("HIGH", r"\bkill (?:myself|yourself|him|her|them|my \w+|people)\b"),
        ("LOW", r"\b(?:punch|beat up|gun|weapon)s?\b"),
    ),
    "HATE": (
        ("HIGH", r"\b(?:exterminate|eradicate|deport) all (?:the )?\w+s\b"),
        ("HIGH", r"\b(?:subhuman|inferior race|ethnic cleansing)\b"),
        ("MEDIUM", r"\bi hate (?:all )?(?:women|men|muslims|jews|christians|immigrants|gays)\b"),
    ),
    "INSULTS": (
        ("HIGH", r"\byou(?:'re| are) (?:a |an |such a |so )?(?:\w+ )?(?:idiot|moron|imbecile|loser)\b"),
        ("MEDIUM", r"\b(?:stupid|dumb|worthless|pathetic) (?:bot|machine|idiot|assistant)\b"),
        ("LOW", r"\b(?:idiot|moron|imbecile)s?\b"),
    ),
    "SEXUAL": (
        ("HIGH", r"\b(?:pornograph(?:y|ic)|explicit sex|sexually explicit|nude pictures?)\b"),
        ("LOW", r"\b(?:erotic|nsfw)\b"),
    ),
    "MISCONDUCT": (
        ("HIGH", r"\b(?:launder|steal|counterfeit) (?:\w+ ){0,3}(?:money|cards?|identit(?:y|ies)|cash|passwords?)"),
        ("HIGH", r"\b(?:write|create|build) (?:\w+ ){0,3}(?:ransomware|malware|keylogger|computer virus)\b"),
        ("HIGH", r"\b(?:hack|break) into (?:\w+ ){0,4}(?:account|server|system|house|network|wifi)s?\b"),
        ("MEDIUM", r"\b(?:pick a lock|hotwire|shoplift|evade taxes)\b"),
    ),
}  # fmt: skip
_COMPILED = {
    kind: [(confidence, re.compile(pattern, re.IGNORECASE)) for confidence, pattern in phrases]
    for kind, phrases in PHRASES.items()
}


def content_filters(
    policy: Mapping[str, Any], source: Source, text: str
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Findings of a content policy as a trace shows them, and whether they block."""
    side = "input" if source == "INPUT" else "output"
    for configured in policy.get("filtersConfig", ()):
        kind = configured["type"]
        strength = configured.get(f"{side}Strength", "NONE")
        least = LEAST[strength]
        enabled = configured.get(f"{side}Enabled", True)
        if least is None or not enabled or (kind == "PROMPT_ATTACK" and source == "OUTPUT"):
            continue
        confidence = _confidence(kind, text)
        if confidence == "NONE":
            continue
        detected = CONFIDENCES.index(confidence) >= CONFIDENCES.index(least)
        blocks = detected and configured.get(f"{side}Action", "BLOCK") == "BLOCK"
        if detected:
            finding = {
                "type": kind,
                "confidence": confidence,
                "filterStrength": strength,
                "action": "BLOCKED" if blocks else "NONE",
                "detected": True,
            }
            yield finding, blocks


def _confidence(kind: str, text: str) -> str:
    found = [confidence for confidence, each in _COMPILED.get(kind, ()) if each.search(text)]
    return max(found, key=CONFIDENCES.index, default="NONE")
