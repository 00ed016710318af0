"""Where a request for a model may be sent: from the models' cards.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-cards.html (each card's "Geo inference
details"), as they were in October 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

GLOBAL = "global"
Profile = Literal["none", "us", "eu", "au", "jp", "apac", "global"]
Destinations = Mapping[str, tuple[str, ...]]

# Regions that a geography's profiles send requests to, from whichever of its Regions they come;
# the Region that asks is always one more.
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
_NOVA_1: Destinations = {"us": _US, "eu": _EU_NOVA_1, "apac": _APAC}
_CLAUDE_4_5: Destinations = {"us": _US, "eu": _EU, "au": _AU, "jp": _JP, GLOBAL: ()}


@dataclass(frozen=True, kw_only=True)
class Reach:
    """`profiles`: a model's inference profiles, and where each sends requests (`global`: anywhere).

    `on_demand`: whether Bedrock takes requests for the model itself, in some Region; the others
    need an inference profile.
    """

    profiles: Destinations
    on_demand: bool


REACH: Mapping[str, Reach] = {
    "amazon.nova-micro-v1:0": Reach(profiles=_NOVA_1, on_demand=True),
    "amazon.nova-lite-v1:0": Reach(profiles=_NOVA_1, on_demand=True),
    "amazon.nova-pro-v1:0": Reach(profiles=_NOVA_1, on_demand=True),
    "amazon.nova-2-lite-v1:0": Reach(
        profiles={"us": _US, "eu": _EU, "jp": _JP, GLOBAL: ()}, on_demand=False
    ),
    "anthropic.claude-haiku-4-5-20251001-v1:0": Reach(profiles=_CLAUDE_4_5, on_demand=False),
    "anthropic.claude-sonnet-4-5-20250929-v1:0": Reach(profiles=_CLAUDE_4_5, on_demand=False),
    "anthropic.claude-sonnet-5-5": Reach(
        profiles={"us": _US, "eu": _EU, GLOBAL: ()}, on_demand=False
    ),
}


def unreachable(model: str, profile: str, *, setting: str) -> Iterator[str]:
    """What is wrong with asking for a model through a profile, or without one."""
    reach = REACH[model]
    if profile == "none":
        if not reach.on_demand:
            yield (
                f"{model} is only to be had through an inference profile: set {setting} to "
                f"{' or '.join(reach.profiles)}"
            )
    elif profile not in reach.profiles:
        yield f"{model} has no inference profile {profile}: set {' or '.join(reach.profiles)}"
