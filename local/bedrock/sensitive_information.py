# ruff: noqa: E501 (an expression is easier to read in one line)
"""Personal data by regular expressions, blocked or masked as `{EMAIL}`.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-sensitive-filters.html. AWS finds
names and addresses by what surrounds them; here a name is what follows "my name is" and the like,
and an address begins with a house number. UNSEEN are types that no expression tells from a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.bedrock.guardrail_parts import Source

ACTIONS: Mapping[str, str] = {"BLOCK": "BLOCKED", "ANONYMIZE": "ANONYMIZED", "NONE": "NONE"}
UNSEEN = frozenset({"DRIVER_ID", "CA_HEALTH_NUMBER", "LICENSE_PLATE"})


def _luhn(text: str) -> bool:
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [each * 2 for each in digits[-2::-2]]
    total = sum(digits[-1::-2]) + sum(each - 9 if each > 9 else each for each in doubled)
    return total % 10 == 0


def _address(text: str) -> bool:
    return all(int(part) < 256 for part in text.split(".")) if "." in text else True


# Group `value`, where there is one, is what is masked.
PATTERNS: Mapping[str, str] = {
    "ADDRESS": r"\b\d{1,5}\s+(?:[A-Z][a-z]+\s){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct)\b\.?(?:,\s*[A-Z][a-z]+)?",
    "AGE": r"\b(?:(?<=aged )\d{1,3}|\d{1,3}(?=[ -]years?[ -]old))\b",
    "AWS_ACCESS_KEY": r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",
    "AWS_SECRET_KEY": r"(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+=]*[A-Z])(?=[A-Za-z0-9/+=]*[a-z])(?=[A-Za-z0-9/+=]*\d)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",  # nosec B105
    "CA_SOCIAL_INSURANCE_NUMBER": r"\b\d{3}[ -]\d{3}[ -]\d{3}\b",
    "CREDIT_DEBIT_CARD_CVV": r"\b(?:CVV|CVC|security code)\D{0,12}(?P<value>\d{3,4})\b",
    "CREDIT_DEBIT_CARD_EXPIRY": r"\b(?:0[1-9]|1[0-2])/(?:20)?\d{2}\b",
    "CREDIT_DEBIT_CARD_NUMBER": r"\b(?:\d[ -]?){13,18}\d\b",
    "EMAIL": r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    "IP_ADDRESS": r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b",
    "MAC_ADDRESS": r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
    "NAME": r"\b(?:[Mm]y name is|I am called|Mr\.?|Mrs\.?|Ms\.?|Dr\.?)\s+(?P<value>[A-Z][a-z]+(?:\s[A-Z][a-z]+){0,2})",
    "PASSWORD": r"\b[Pp]assword(?:\s+is|\s*[:=])\s*(?P<value>(?=\S*[\d!@#$%^&*])\S{4,})",  # nosec B105
    "PHONE": r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)|\d{2,4})[ .-]\d{3,4}[ .-]\d{3,4}(?![\w.])|\+\d{8,14}\b",
    "PIN": r"\bPIN(?:\s+\w+){0,2}\s*[:=]?\s*(?P<value>\d{4,6})\b",
    "SWIFT_CODE": r"\b(?:SWIFT|BIC)\W{1,3}(?:code\W{1,3})?(?:is )?(?P<value>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": r"\bNHS\D{0,12}(?P<value>\d{3} ?\d{3} ?\d{4})\b",
    "UK_NATIONAL_INSURANCE_NUMBER": r"\b[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": r"\bUTR\D{0,12}(?P<value>\d{10})\b",
    "URL": r"\bhttps?://[^\s<>\"']+",
    "USERNAME": r"\b[Uu]ser ?name(?:\s+is|\s*[:=])\s*(?P<value>\S+)",
    "US_BANK_ACCOUNT_NUMBER": r"\b[Aa]ccount(?: number)?\D{0,10}(?P<value>\d{8,17})\b",
    "US_BANK_ROUTING_NUMBER": r"\b[Rr]outing(?: number)?\D{0,10}(?P<value>\d{9})\b",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": r"\b9\d{2}-[5-9]\d-\d{4}\b",
    "US_PASSPORT_NUMBER": r"\b[Pp]assport(?: number)?\D{0,10}(?P<value>[A-Z]?\d{8,9})\b",
    "US_SOCIAL_SECURITY_NUMBER": r"\b(?!9|000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b",
    "VEHICLE_IDENTIFICATION_NUMBER": r"\b(?=[A-HJ-NPR-Z0-9]*\d)(?=[A-HJ-NPR-Z0-9]*[A-Z])[A-HJ-NPR-Z0-9]{17}\b",
}  # fmt: skip
CHECKS: Mapping[str, Callable[[str], bool]] = {
    "CREDIT_DEBIT_CARD_NUMBER": _luhn,
    "IP_ADDRESS": _address,
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in PATTERNS.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of text, what it is, and what the guardrail does about it."""

    start: int
    end: int
    mask: str
    action: str
    finding: Mapping[str, Any]
    regex: bool


def found(policy: Mapping[str, Any], source: Source, text: str) -> list[Found]:
    """All findings, by their place."""
    everything = [*_entities(policy, source, text), *_regexes(policy, source, text)]
    return sorted(everything, key=lambda each: (each.start, -each.end))


def masked(text: str, findings: list[Found]) -> str:
    """The text with what is to be anonymised replaced; of two that overlap, the first counts."""
    pieces, end = [], 0
    for each in findings:
        if each.action != "ANONYMIZED" or each.start < end:
            continue
        pieces += [text[end : each.start], f"{{{each.mask}}}"]
        end = each.end
    return "".join([*pieces, text[end:]])


def _entities(policy: Mapping[str, Any], source: Source, text: str) -> Iterator[Found]:
    for configured in policy.get("piiEntitiesConfig") or ():
        kind = configured["type"]
        action = _action(configured, source)
        if action is None or kind in UNSEEN:
            continue
        for match in _COMPILED[kind].finditer(text):
            group = "value" if "value" in match.re.groupindex else 0
            value = match.group(group)
            if kind in CHECKS and not CHECKS[kind](value):
                continue
            finding = {"match": value, "type": kind, "action": action, "detected": True}
            yield Found(match.start(group), match.end(group), kind, action, finding, False)


def _regexes(policy: Mapping[str, Any], source: Source, text: str) -> Iterator[Found]:
    for configured in policy.get("regexesConfig") or ():
        action = _action(configured, source)
        if action is None:
            continue
        for match in re.finditer(configured["pattern"], text):
            finding = {
                "name": configured["name"],
                "match": match.group(),
                "regex": configured["pattern"],
                "action": action,
                "detected": True,
            }
            yield Found(match.start(), match.end(), configured["name"], action, finding, True)


def _action(configured: Mapping[str, Any], source: Source) -> str | None:
    side = "input" if source == "INPUT" else "output"
    if not configured.get(f"{side}Enabled", True):
        return None
    return ACTIONS[configured.get(f"{side}Action") or configured["action"]]
