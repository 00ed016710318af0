"""Settings of how documents become chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from stacks.settings_model import Capability, unit


class ChunkingSettings(Capability):
    """Documents to chunks"""

    chunking: Annotated[
        Literal["fixed", "hierarchical", "semantic", "none"],
        Field(
            default="fixed",
            description="How documents are cut. fixed: pieces of one length. hierarchical: small "
            "pieces are searched, the larger one around them is handed to the model. semantic: "
            "where the meaning changes; embeds every sentence, which is paid for. none: a document "
            "is a chunk. A change replaces the data source, and everything is ingested again.",
        ),
    ]
    chunk_tokens: Annotated[
        int,
        Field(
            default=300,
            ge=20,
            le=8192,
            description="fixed, semantic: longest chunk; hierarchical: longest child.",
            json_schema_extra=unit("tokens"),
        ),
    ]
    chunk_overlap_percent: Annotated[
        int,
        Field(
            default=20,
            ge=1,
            le=99,
            description="Share of a chunk that is repeated in the next one.",
            json_schema_extra=unit("percent"),
        ),
    ]
    parent_tokens: Annotated[
        int,
        Field(
            default=1500,
            ge=40,
            le=8192,
            description="hierarchical: longest parent.",
            json_schema_extra=unit("tokens"),
        ),
    ]
    semantic_threshold: Annotated[
        int,
        Field(
            default=95,
            ge=50,
            le=99,
            description="semantic: percentile of dissimilarity at which a new chunk begins.",
            json_schema_extra=unit("percentile"),
        ),
    ]
    semantic_buffer: Annotated[
        int,
        Field(
            default=1,
            ge=0,
            le=1,
            description="semantic: sentences on either side that are compared with a sentence.",
            json_schema_extra=unit("sentences"),
        ),
    ]
    parsing: Annotated[
        Literal["text", "data_automation", "foundation_model"],
        Field(
            default="text",
            description="How documents are read. text: Bedrock's parser, free; the fleet's "
            "prepared documents are text already. data_automation: Bedrock Data Automation, by "
            "page. foundation_model: parsing_model, by token. The last two read tables and "
            "pictures. A change replaces the data source.",
        ),
    ]
    parsing_model: Annotated[
        str,
        Field(
            default="anthropic.claude-3-5-sonnet-20240620-v1:0",
            pattern=r"^[a-z0-9-]+\.[a-zA-Z0-9.:-]+$",
            description="parsing by foundation_model: the model.",
            json_schema_extra=unit("identifier of a foundation model"),
        ),
    ]
    inclusion_prefix: Annotated[
        str,
        Field(
            default="",
            max_length=300,
            description="Only documents whose keys begin with it are ingested; empty for all.",
            json_schema_extra=unit("prefix of keys"),
        ),
    ]

    def chunking_problems(self) -> Iterator[str]:
        """What does not fit together."""
        if self.chunking == "hierarchical" and self.chunk_tokens >= self.parent_tokens:
            yield (
                f"chunk_tokens ({self.chunk_tokens}) is not less than parent_tokens "
                f"({self.parent_tokens}): a parent holds several children; lower the first or "
                "raise the second"
            )
