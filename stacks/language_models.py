"""Models that may answer, and what they cost.

All are active, and none is announced for retirement, on
https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle-legacy.html as of October 2026;
Nova 1 and Claude 4.5 are past the date until which their cards promise to keep them, so look there
before you rely on one. Claude from version 5 on is left out: it thinks before it answers unless a
request says otherwise, as its cards have it, and the prompts here do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stacks.inference_profiles import GLOBAL


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A foundation model that knows Converse and guardrails; prices are USD per million tokens.

    `markup`: what a geography's profile costs more than the model's price, which is the global
    profile's where there is one. `answers_for_knowledge_bases`: whether the model's card has
    knowledge bases among what it supports, which RetrieveAndGenerate needs; the function does not.
    """

    input_price: float
    output_price: float
    markup: float = 1.0
    answers_for_knowledge_bases: bool = False

    def prices(self, profile: str) -> tuple[float, float]:
        """What a million tokens cost that go in, and that come out."""
        factor = 1.0 if profile in ("none", GLOBAL) else self.markup
        return round(self.input_price * factor, 6), round(self.output_price * factor, 6)


# Prices of us-east-1 as in costs/prices.json, which says what was read.
LANGUAGE_MODELS: Mapping[str, LanguageModel] = {
    "amazon.nova-micro-v1:0": LanguageModel(input_price=0.035, output_price=0.14),
    "amazon.nova-lite-v1:0": LanguageModel(input_price=0.06, output_price=0.24),
    "amazon.nova-pro-v1:0": LanguageModel(input_price=0.80, output_price=3.20),
    "amazon.nova-2-lite-v1:0": LanguageModel(input_price=0.30, output_price=2.50, markup=1.1),
    "anthropic.claude-haiku-4-5-20251001-v1:0": LanguageModel(
        input_price=1.00, output_price=5.00, markup=1.1, answers_for_knowledge_bases=True
    ),
    "anthropic.claude-sonnet-4-5-20250929-v1:0": LanguageModel(
        input_price=3.00, output_price=15.00, markup=1.1, answers_for_knowledge_bases=True
    ),
}
