"""Settings of the function `chat`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
            le=25,
            description="Chunks of documents that an answer is made from. More costs tokens.",
            json_schema_extra=unit("chunks"),
        ),
    ]
