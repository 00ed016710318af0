"""Topics that the assistant does not talk about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DeniedTopic:
    """A definition says what a topic is, never what to do about it; examples are questions.

    https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-denied-topics.html
    """

    name: str
    definition: str
    examples: tuple[str, ...]


TOPICS: Mapping[str, DeniedTopic] = {
    "legal_advice": DeniedTopic(
        name="Legal advice",
        definition="Advice on what somebody may, must or should do by law: contracts, liability, "
        "disputes, lawsuits, dismissals, or how to argue before a court.",
        examples=(
            "Can I sue my employer for this accident?",
            "Is this clause in my contract valid?",
            "How do I get out of my lease without paying?",
        ),
    ),
    "medical_advice": DeniedTopic(
        name="Medical advice",
        definition="Advice on health: what symptoms mean, which illness somebody has, which "
        "medicine or dose to take, or whether to see a doctor.",
        examples=(
            "What should I take against this headache?",
            "How many of these tablets may I take a day?",
            "Is this rash dangerous?",
        ),
    ),
    "investment_advice": DeniedTopic(
        name="Investment advice",
        definition="Advice on what to do with money: which shares, funds or currencies to buy or "
        "sell, when, or what returns to expect.",
        examples=(
            "Should I buy shares of this company now?",
            "Where do I invest ten thousand euros?",
            "Will the price of bitcoin rise this year?",
        ),
    ),
}
