"""Settings of how documents become chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from stacks.inference_profiles import Profile, unreachable
from stacks.settings_model import Capability, unit

# https://docs.aws.amazon.com/bedrock/latest/userguide/kb-chunking.html
MOST_IN_S3_VECTORS = 8_000


class ChunkingSettings(Capability):
    """Documents to chunks"""

    # What reads: https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-supported.html
    # (the families that see), the models' cards (which are active, and support knowledge bases),
    # https://docs.aws.amazon.com/general/latest/gr/bedrock.html (how many files).

    chunking: Annotated[
        Literal["fixed", "hierarchical", "semantic", "none"],
        Field(
            default="fixed",
            description="How documents are cut. fixed: pieces of one length. hierarchical: small "
            "pieces are searched, the larger one around them is handed to the model; not "
            "recommended for s3_vectors, whose metadata has little room. semantic: "
            "where the meaning changes; embeds every sentence, which is paid for. none: a document "
            "is a chunk. A change replaces the data source (with retain_data, the knowledge base), "
            "and everything is ingested again.",
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
            "page; a preview, in us-west-2 alone, and documents may be read in other Regions of "
            "the US. foundation_model: parsing_model, by token. The last two read tables and "
            "pictures, of 1,000 files at most. A change replaces what chunking does.",
        ),
    ]
    parsing_model: Annotated[
        Literal[
            "anthropic.claude-sonnet-5-5",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "amazon.nova-pro-v1:0",
            "amazon.nova-lite-v1:0",
        ],
        Field(
            default="anthropic.claude-sonnet-5-5",
            description="parsing by foundation_model: the model, which has to see.",
        ),
    ]
    parsing_profile: Annotated[
        Profile,
        Field(
            default="none",
            description="parsing by foundation_model: where documents may be sent to be read, as "
            "assistant.inference_profile has it for questions. Claude needs one.",
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

    @property
    def chunks(self) -> str:
        """All that makes a chunk what it is: a data source cannot change it."""
        names = {
            "fixed": ("chunk_tokens", "chunk_overlap_percent"),
            "hierarchical": ("chunk_tokens", "parent_tokens", "chunk_overlap_percent"),
            "semantic": ("chunk_tokens", "semantic_threshold", "semantic_buffer"),
            "none": (),
        }[self.chunking]
        parts = [self.chunking, *(getattr(self, name) for name in names)]
        if self.parsing != "text":
            parts.append(self.parsing)
        if self.parsing == "foundation_model":
            parts += [self.parsing_profile, self.parsing_model]
        return "-".join(map(str, parts))

    def chunking_problems(self, store: str) -> Iterator[str]:
        """What does not fit together, or into the store."""
        if self.parsing == "foundation_model":
            yield from unreachable(
                self.parsing_model, self.parsing_profile, setting="parsing_profile"
            )
        elif self.parsing_profile != "none":
            yield (
                f"parsing_profile is {self.parsing_profile}, but parsing is {self.parsing}: set "
                "parsing to foundation_model, or parsing_profile to none"
            )
        if self.chunking == "hierarchical" and self.chunk_tokens >= self.parent_tokens:
            yield (
                f"chunk_tokens ({self.chunk_tokens}) is not less than parent_tokens "
                f"({self.parent_tokens}): a parent holds several children; lower the first or "
                "raise the second"
            )
        tokens = self.chunk_tokens + self.parent_tokens
        if (self.chunking, store) == ("hierarchical", "s3_vectors") and tokens > MOST_IN_S3_VECTORS:
            yield (
                f"chunk_tokens and parent_tokens come to {tokens}, but vector_store is s3_vectors, "
                f"whose metadata holds {MOST_IN_S3_VECTORS} together: lower them, or set chunking "
                "to fixed"
            )
