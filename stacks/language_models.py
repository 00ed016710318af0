"""Models that may answer, what they cost, and where a request for them may be sent.

All are active, and none is announced for retirement, on
https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle-legacy.html as of October 2026;
Nova 1 and Claude 4.5 are past the date until which their cards promise to keep them, so look there
before you rely on one. Claude from version 5 on is left out: it thinks before it answers unless it
is told not to, and the prompts here set a temperature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GLOBAL = "global"

# Regions that a geography's profiles send requests to, from whichever of its Regions they come;
# the Region that asks is always one more. From the models' cards, "Geo inference details":
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-cards.html
_US = ("us-east-1", "us-east-2", "us-west-2")
_EU_NOVA_1 = ("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3")
_EU = (*_EU_NOVA_1, "eu-south-1", "eu-south-2")
_AU = ("ap-southeast-2", "ap-southeast-4")
_JP = ("ap-northeast-1", "ap-northeast-3")
# Where profiles of Asia Pacific send requests, no page says any more (the card of Nova Pro: ask
# GetInferenceProfile). So it is every Region there that Bedrock is in.
_APAC = (
    "ap-east-2",
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
    *(f"ap-southeast-{number}" for number in range(1, 8)),
)
_NOVA_1: Mapping[str, tuple[str, ...]] = {"us": _US, "eu": _EU_NOVA_1, "apac": _APAC}
_CLAUDE: Mapping[str, tuple[str, ...]] = {
    "us": _US,
    "eu": _EU,
    "au": _AU,
    "jp": _JP,
    GLOBAL: (),
}


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A foundation model that knows Converse and guardrails; prices are USD per million tokens.

    `profiles`: inference profiles, and the Regions that each sends requests to (`global`: any).
    `on_demand`: whether Bedrock takes requests for the model itself, in some Region; the others
    need an inference profile. `markup`: what a geography's profile costs more than the model's
    price, which is the global profile's where there is one.
    """

    input_price: float
    output_price: float
    profiles: Mapping[str, tuple[str, ...]]
    on_demand: bool = True
    markup: float = 1.0

    def prices(self, profile: str) -> tuple[float, float]:
        """What a million tokens cost that go in, and that come out."""
        factor = 1.0 if profile in ("none", GLOBAL) else self.markup
        return round(self.input_price * factor, 6), round(self.output_price * factor, 6)


# https://docs.aws.amazon.com/bedrock/latest/userguide/model-card-amazon-nova-lite.html and the
# other models' cards. Prices of us-east-1 as in costs/prices.json, which says what was read.
LANGUAGE_MODELS: Mapping[str, LanguageModel] = {
    "amazon.nova-micro-v1:0": LanguageModel(input_price=0.035, output_price=0.14, profiles=_NOVA_1),
    "amazon.nova-lite-v1:0": LanguageModel(input_price=0.06, output_price=0.24, profiles=_NOVA_1),
    "amazon.nova-pro-v1:0": LanguageModel(input_price=0.80, output_price=3.20, profiles=_NOVA_1),
    "amazon.nova-2-lite-v1:0": LanguageModel(
        input_price=0.30,
        output_price=2.50,
        profiles={"us": _US, "eu": _EU, "jp": _JP, GLOBAL: ()},
        on_demand=False,
        markup=1.1,
    ),
    "anthropic.claude-haiku-4-5-20251001-v1:0": LanguageModel(
        input_price=1.00, output_price=5.00, profiles=_CLAUDE, on_demand=False, markup=1.1
    ),
    "anthropic.claude-sonnet-4-5-20250929-v1:0": LanguageModel(
        input_price=3.00, output_price=15.00, profiles=_CLAUDE, on_demand=False, markup=1.1
    ),
}
