"""Settings of the assistant stack: model, guardrail, memory, cache, evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.inference_profiles import Profile, unreachable
from stacks.language_models import LANGUAGE_MODELS, LanguageModel
from stacks.prompt_files import PromptFileError, prompt_files
from stacks.settings_answer_cache import AnswerCacheSettings
from stacks.settings_evaluation import EvaluationSettings
from stacks.settings_guardrail import GuardrailSettings
from stacks.settings_model import Capability, LogRetentionDays, unit

# As requests are signed: by a session of a role, not by the role.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
CALLER = (
    r"^arn:aws[a-z-]*:(sts::\d{12}:assumed-role/[^\s,/]+/[^\s,/]*"
    r"|sts::\d{12}:federated-user/[^\s,/]+|iam::\d{12}:user/[^\s,]*)$"
)
# What is left for them of the 4 KB that a function's environment may have
# (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
LONGEST_TENANT_CALLERS = 1_000


class AnsweringSettings(Capability):
    """Model, memory and way out"""

    model: Annotated[
        Literal[
            "amazon.nova-micro-v1:0",
            "amazon.nova-lite-v1:0",
            "amazon.nova-pro-v1:0",
            "amazon.nova-2-lite-v1:0",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
        ],
        Field(
            default="amazon.nova-lite-v1:0",
            description="What writes answers. Every account has access to Amazon's; Anthropic's, "
            "as every third party's, are enabled once per account (docs/operations.md).",
        ),
    ]
    inference_profile: Annotated[
        Profile,
        Field(
            default="none",
            description="Send requests to any Region of a geography, which has to be the stack's, "
            "or to any at all; none asks the model in the stack's own Region, where it has to be. "
            "The newer models cost a tenth more in a geography than anywhere.",
        ),
    ]
    streaming: Annotated[
        bool,
        Field(
            default=True,
            description="Answer word by word at a function URL as well. Its callers sign their "
            "requests, so there is none when api.authorization is jwt. Not with the cache valkey: "
            "function URLs do not stream from a VPC.",
        ),
    ]
    stream_seconds: Annotated[
        int,
        Field(
            default=120,
            ge=10,
            le=900,
            description="How long an answer at the function URL may take; POST /chat has to end "
            "before the API gives up.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    memory_days: Annotated[
        int,
        Field(
            default=30,
            ge=1,
            le=365,
            description="How long a conversation is remembered after its last question.",
            json_schema_extra=unit("days"),
        ),
    ]
    memory_recovery: Annotated[
        bool,
        Field(
            default=False,
            description="Keep the table of conversations recoverable to any second of 35 days "
            "(0.20 USD a GB and month).",
        ),
    ]
    tenant_callers: Annotated[
        tuple[Annotated[str, Field(pattern=CALLER)], ...],
        Field(
            default=(),
            description="Who may ask on behalf of a tenant, and so name it in the request: the ARN "
            "of a session or user, or a beginning that ends in /, such as "
            "arn:aws:sts::111122223333:assumed-role/Portal/ for all sessions of a role. Nobody "
            f"else may. {LONGEST_TENANT_CALLERS:,} characters altogether.",
            json_schema_extra=unit("list"),
        ),
    ]
    tenant_metadata_key: Annotated[
        str,
        Field(
            default="",
            pattern=r"^[A-Za-z0-9_-]{0,100}$",
            description="Metadata key of documents that names their tenant: searches find those of "
            "the caller's tenant alone. Empty: all documents are for everybody.",
        ),
    ]
    latency_alarm_ms: Annotated[
        int,
        Field(
            default=15_000,
            ge=100,
            le=60_000,
            description="Alarm when one answer in ten takes longer for a quarter of an hour.",
            json_schema_extra=unit("milliseconds"),
        ),
    ]
    cost_alarm_usd: Annotated[
        float,
        Field(
            default=5.0,
            gt=0,
            le=10_000,
            description="Alarm when the model's tokens cost more than this in an hour, at list "
            "prices.",
            json_schema_extra=unit("USD an hour"),
        ),
    ]
    intervention_alarm: Annotated[
        int,
        Field(
            default=20,
            ge=0,
            le=100_000,
            description="Alarm when the guardrail stops or masks more texts than this.",
            json_schema_extra=unit("texts in five minutes"),
        ),
    ]
    pinned_prompts: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z_]+\.v[1-9]\d*$")], ...],
        Field(
            default=(),
            description="Versions of prompts to use instead of the newest in prompts/, such as "
            "rag.v2.",
            json_schema_extra=unit("list"),
        ),
    ]
    log_retention_days: Annotated[
        LogRetentionDays,
        Field(
            default=14,
            description="How long the logs of the function and of the API are kept.",
            json_schema_extra=unit("days, a value that CloudWatch Logs accepts"),
        ),
    ]


class AssistantSettings(
    EvaluationSettings, AnswerCacheSettings, GuardrailSettings, AnsweringSettings
):
    """What answers questions, what it remembers, and what it must not say."""

    @property
    def language_model(self) -> LanguageModel:
        """What is known about the model."""
        return LANGUAGE_MODELS[self.model]

    @property
    def model_id(self) -> str:
        """What a request names: the model, or its profile for a geography."""
        if self.inference_profile == "none":
            return self.model
        return f"{self.inference_profile}.{self.model}"

    @property
    def token_prices(self) -> tuple[float, float]:
        """USD for a million tokens that go in, and that come out."""
        return self.language_model.prices(self.inference_profile)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            *unreachable(self.model, self.inference_profile, setting="inference_profile"),
            *self._prompt_problems(),
            *self._stream_problems(),
            *self._tenant_problems(),
            *self._evaluation_problems(),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _prompt_problems(self) -> Iterator[str]:
        try:
            prompt_files(self.pinned_prompts)
        except PromptFileError as error:
            yield str(error)

    def _stream_problems(self) -> Iterator[str]:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html"""
        if self.streaming and self.cache == "valkey":
            yield (
                "streaming is true, and cache is valkey, which puts the function into the network: "
                "function URLs do not stream from there: set streaming to false, or cache to "
                "s3_vectors"
            )

    def _tenant_problems(self) -> Iterator[str]:
        length = len(",".join(self.tenant_callers))
        if length > LONGEST_TENANT_CALLERS:
            yield (
                f"tenant_callers has {length} characters, and {LONGEST_TENANT_CALLERS} fit into "
                "the function's environment: give what asks for tenants one role, and name all its "
                "sessions by a beginning that ends in /"
            )

    def _evaluation_problems(self) -> Iterator[str]:
        if not self.evaluation:
            mixed = [name for name in self.model_fields_set if name.startswith("evaluation_")]
            if mixed:
                yield (
                    f"{', '.join(sorted(mixed))} is set, but evaluation is false: set evaluation "
                    "to true, or remove it"
                )
            return
        if not self.language_model.answers_for_knowledge_bases:
            able = (
                name for name, each in LANGUAGE_MODELS.items() if each.answers_for_knowledge_bases
            )
            yield (
                f"evaluation lets Bedrock answer from the knowledge base with {self.model}, which "
                f"no page says that it does: set model to {' or '.join(able)}, or evaluation to "
                "false"
            )
        for problem in unreachable(
            self.evaluation_judge, self.inference_profile, setting="inference_profile"
        ):
            yield f"evaluation_judge: {problem}; or choose another judge"
