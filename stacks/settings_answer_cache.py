"""Settings of the semantic cache: where answers are kept, how near a question has to be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stacks.settings_model import Capability, unit


class AnswerCacheSettings(Capability):
    """Semantic cache"""

    cache: Annotated[
        Literal["off", "s3_vectors", "valkey"],
        Field(
            default="s3_vectors",
            description="Where answers are kept for the same question in other words. s3_vectors: "
            "paid by use, nothing while idle, tens to hundreds of milliseconds. valkey: an "
            "ElastiCache cluster in the network, around the clock, a few milliseconds.",
        ),
    ]
    cache_similarity: Annotated[
        float,
        Field(
            default=0.96,
            ge=0.8,
            le=1,
            description="Least cosine similarity of two questions that share an answer. "
            "docs/benchmarks.md has hits and false hits of each value.",
            json_schema_extra=unit("cosine similarity"),
        ),
    ]
    cache_hours: Annotated[
        int,
        Field(
            default=24,
            ge=1,
            le=720,
            description="How long an answer is given again; new documents end it at once.",
            json_schema_extra=unit("hours"),
        ),
    ]
    cache_node_type: Annotated[
        str,
        Field(
            default="cache.t4g.small",
            pattern=r"^cache\.(t4g\.(small|medium)|m[67]g\.\w+|r[67]g\.\w+)$",
            description="valkey: size of a node.",
            json_schema_extra=unit("Graviton node type"),
        ),
    ]
    cache_replicas: Annotated[
        int,
        Field(
            default=1,
            ge=0,
            le=5,
            description="valkey: nodes beside the first, in other zones; 0 loses the cache with "
            "its node, which costs answers their speed and nothing else.",
            json_schema_extra=unit("nodes"),
        ),
    ]
