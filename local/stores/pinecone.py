"""A knowledge base on Pinecone, played by a faiss index in this process.

Pinecone is outside AWS, and a deployment makes nothing there. So the local AWS makes the index up
when its connection string is first named, with the dimension that the knowledge base has. Nothing
of Pinecone's own API is played: Bedrock is its only client here
(https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.stores.chunk_index import ChunkIndex
from local.stores.vector_index import Hnsw

UNSUPPORTED = ("startsWith", "stringContains")
INDICES: dict[tuple[str, str], ChunkIndex] = {}


def open_index(configuration: Mapping[str, Any], *, dimension: int) -> ChunkIndex:
    """One namespace of one index."""
    key = (str(configuration["connectionString"]), str(configuration.get("namespace", "")))
    if key not in INDICES:
        INDICES[key] = ChunkIndex(
            dimension, space="cosinesimil", hnsw=Hnsw(), hybrid=False, unsupported=UNSUPPORTED
        )
    return INDICES[key]
