"""Settings of the function `chat`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.settings_function import AnsweringFunctionSettings
from stacks.settings_model import unit


class ChatSettings(AnsweringFunctionSettings):
    """The function `chat`: answers questions about prepared documents."""

    memory_mb: Annotated[
        int,
        Field(
            default=1024,
            ge=128,
            le=10_240,
            description="Memory, and with it the share of a processor: 1,769 MB are one vCPU. "
            "Most of an answer's time is waiting for the model.",
            json_schema_extra=unit("MB"),
        ),
    ]
    timeout_seconds: Annotated[
        int,
        Field(
            default=29,
            ge=5,
            le=900,
            description="Lambda ends an invocation that takes longer; the function itself stops "
            "asking half a second before.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    retrieved_chunks: Annotated[
        int,
        Field(
            default=5,
            ge=1,
            le=15,
            description="Chunks of documents that an answer is made from, as many as a guardrail "
            "compares an answer with (100,000 characters). More costs tokens.",
            json_schema_extra=unit("chunks"),
        ),
    ]
    search_type: Annotated[
        Literal["automatic", "semantic"],
        Field(
            default="automatic",
            description="automatic: Bedrock decides, and searches words beside vectors where the "
            "store can. semantic: vectors alone, whose scores compare with least_score.",
        ),
    ]
    least_score: Annotated[
        float,
        Field(
            default=0.0,
            ge=0,
            le=1,
            description="Chunks of a lower score are not used; a question without any is refused, "
            "and no model is asked. Scores differ by store and embedding model: `python -m "
            "evaluation` prints what yours tell apart (docs/evaluation.md). 0 for no least.",
            json_schema_extra=unit("score"),
        ),
    ]

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        if self.least_score and self.search_type != "semantic":
            raise ValueError(
                f"least_score is {self.least_score:g}, but search_type is automatic: a score of "
                "words and vectors compares results with each other and not with the question; "
                "set search_type to semantic, or least_score to 0"
            )
        return self
