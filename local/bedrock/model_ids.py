"""Which model a request names: ids, ARNs, inference profiles, and whether it may be used.

The catalogue is MiniStack's, with the models that it lacks; ids are AWS's
(https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html). A model is text, an
embedding or a reranker, and that decides which operations take it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from local.bedrock.errors import BedrockError, invalid

Kind = Literal["text", "embedding", "rerank"]
UNKNOWN = "The provided model identifier is invalid."
DENIED = "You don't have access to the model with the specified model ID."
WRONG_KIND = (
    "This action doesn't support the model that you provided. Try again with a supported text or "
    "chat model. For a list of supported models, refer to the Amazon Bedrock User Guide."
)
PROFILE = re.compile(r"^(?:us|eu|apac|global|jp|au|ca|us-gov)\.")
RERANKERS = ("amazon.rerank-v1:0", "cohere.rerank-v3-5:0")
EMBEDDINGS = (
    "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2:0",
    "cohere.embed-english-v3",
    "cohere.embed-multilingual-v3",
)
# Text models that MiniStack's catalogue lacks.
TEXT = (
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "amazon.nova-2-lite-v1:0",
    "meta.llama3-2-1b-instruct-v1:0",
    "meta.llama3-2-3b-instruct-v1:0",
    "openai.gpt-oss-20b-1:0",
    "openai.gpt-oss-120b-1:0",
    "mistral.mistral-7b-instruct-v0:2",
)
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
PROFILE_ONLY = (
    "anthropic.claude-3-7",
    "anthropic.claude-sonnet-4",
    "anthropic.claude-haiku-4",
    "amazon.nova-2",
    "amazon.nova-premier",
    "meta.llama3-2",
)

# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
ONE_OF_TEMPERATURE_AND_TOP_P = ("anthropic.claude-sonnet-4-5", "anthropic.claude-haiku-4-5")
BOTH = (
    "The model returned the following errors: `temperature` and `top_p` cannot both be specified "
    "for this model. Please use only one."
)


@dataclass(frozen=True, slots=True)
class Model:
    """A foundation model."""

    id: str
    kind: Kind

    @property
    def family(self) -> str:
        """The maker, which decides the shape of InvokeModel's body."""
        return self.id.partition(".")[0]

    def check_sampling(self, names: Collection[str]) -> None:
        """Refuse parameters that this model takes one of only. Raises BedrockError."""
        both = "temperature" in names and ("topP" in names or "top_p" in names)
        if both and self.id.startswith(ONE_OF_TEMPERATURE_AND_TOP_P):
            raise invalid(BOTH)


class ModelAccess:
    """The models that the account has access to: all, but those that were taken away."""

    def __init__(self) -> None:
        self._denied: set[str] = set()

    def deny(self, model_id: str) -> None:
        """As when access was never requested."""
        self._denied.add(model_id)

    def grant(self, model_id: str) -> None:
        """Access again."""
        self._denied.discard(model_id)

    def clear(self) -> None:
        """Access to everything."""
        self._denied.clear()

    def model(self, identifier: str, *, kind: Kind | None = None) -> Model:
        """The model of an id or ARN. Raises BedrockError."""
        name, by_profile = _name(identifier)
        found = _known(name)
        if found is None:
            raise invalid(UNKNOWN)
        if name in self._denied:
            raise BedrockError("AccessDeniedException", DENIED)
        if not by_profile and name.startswith(PROFILE_ONLY):
            raise invalid(
                f"Invocation of model ID {name} with on-demand throughput isn’t supported. Retry "
                "your request with the ID or ARN of an inference profile that contains this model."
            )
        if kind is not None and found.kind != kind:
            raise invalid(WRONG_KIND)
        return found


def _name(identifier: str) -> tuple[str, bool]:
    """The foundation model's id, and whether it is named by an inference profile."""
    resource = identifier
    if identifier.startswith("arn:"):
        parts = identifier.split(":", 5)
        if len(parts) < 6 or parts[2] != "bedrock":
            raise invalid(UNKNOWN)
        resource_kind, _, resource = parts[5].partition("/")
        if resource_kind == "application-inference-profile":
            return _application_profile(identifier, resource)
    short = PROFILE.sub("", resource)
    return short, short != resource


def _application_profile(arn: str, identifier: str) -> tuple[str, bool]:
    """An application's own profile is a copy of a model or of a system-defined profile.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateInferenceProfile.html
    """
    from ministack.services import bedrock

    for key, record in bedrock._inference_profiles_apps.items():
        if identifier == key or arn == record["InferenceProfileArn"]:
            copied = str(record["Models"][0]["ModelArn"])
            return PROFILE.sub("", copied.rpartition("/")[2]), True
    raise invalid(UNKNOWN)


def _known(name: str) -> Model | None:
    from ministack.services import bedrock

    if name in RERANKERS:
        return Model(name, "rerank")
    if name in EMBEDDINGS:
        return Model(name, "embedding")
    if name in TEXT or any(entry[0] == name for entry in bedrock._CATALOG):
        return Model(name, "text")
    return None
