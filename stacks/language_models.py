"""Models that may answer, what they cost, and where a request for them may be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Regions that a geography's inference profiles send requests to, over all models of the list below.
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
GEOGRAPHIES: Mapping[str, tuple[str, ...]] = {
    "us": ("us-east-1", "us-east-2", "us-west-2"),
    "eu": (*("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"),),
    "apac": (
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-4"),
    ),
}
GLOBAL = "global"


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A foundation model that knows Converse and guardrails; prices are USD per million tokens.

    `on_demand`: whether Bedrock takes requests for the model itself, in some Region; the others
    need an inference profile.
    """

    input_price: float
    output_price: float
    profiles: tuple[str, ...]
    on_demand: bool = True


# https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html
# Prices: https://aws.amazon.com/bedrock/pricing/ (us-east-1, on demand), as in costs/prices.json.
LANGUAGE_MODELS: Mapping[str, LanguageModel] = {
    "amazon.nova-micro-v1:0": LanguageModel(
        input_price=0.035, output_price=0.14, profiles=("us", "eu", "apac")
    ),
    "amazon.nova-lite-v1:0": LanguageModel(
        input_price=0.06, output_price=0.24, profiles=("us", "eu", "apac")
    ),
    "amazon.nova-pro-v1:0": LanguageModel(
        input_price=0.80, output_price=3.20, profiles=("us", "eu", "apac")
    ),
    "anthropic.claude-haiku-4-5-20251001-v1:0": LanguageModel(
        input_price=1.00, output_price=5.00, profiles=("us", "eu", GLOBAL), on_demand=False
    ),
    "anthropic.claude-sonnet-4-5-20250929-v1:0": LanguageModel(
        input_price=3.00, output_price=15.00, profiles=("us", "eu", GLOBAL), on_demand=False
    ),
}
