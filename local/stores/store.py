"""What a knowledge base needs of its vector store, whichever engine plays it.

Every call blocks; whoever serves requests calls from a thread (`asyncio.to_thread`), never from the
engine's event loop. A store may be used by several threads at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# Metadata of a knowledge base: text, a number, a truth value, or a list of texts.
MetadataValue = str | float | int | bool | list[str]
# Bedrock's filter: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrievalFilter.html
Filter = Mapping[str, object]

# What Bedrock itself writes beside the document's own metadata.
SOURCE_URI = "x-amz-bedrock-kb-source-uri"
CHUNK_ID = "x-amz-bedrock-kb-chunk-id"
DATA_SOURCE_ID = "x-amz-bedrock-kb-data-source-id"


class StoreError(ValueError):
    """The store refuses; the message is what Bedrock would say or wrap."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A piece of a document as it is indexed.

    `metadata` holds the document's own keys and Bedrock's (`DATA_SOURCE_ID`). `vector` is empty on
    what a search returns from an engine that does not give vectors back.
    """

    id: str
    text: str
    source_uri: str
    vector: Sequence[float] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A chunk that a search found. Higher is nearer; scores of different stores do not compare."""

    chunk: Chunk
    score: float


class Store(Protocol):
    """An open vector store."""

    @property
    def dimension(self) -> int:
        """How many numbers each vector has."""

    @property
    def hybrid(self) -> bool:
        """Whether the store can weigh words beside vectors (Bedrock's HYBRID search)."""

    def put(self, chunks: Sequence[Chunk]) -> None:
        """Add, or replace those with a known id; StoreError for a wrong dimension or metadata."""

    def delete_document(self, source_uri: str) -> int:
        """Remove the chunks of a document; how many there were."""

    def delete_data_source(self, data_source_id: str) -> int:
        """Remove the chunks whose metadata `DATA_SOURCE_ID` names it; how many there were."""

    def search(
        self,
        *,
        vector: Sequence[float],
        text: str | None = None,
        limit: int = 5,
        accepts: Filter | None = None,
    ) -> list[Hit]:
        """The nearest chunks, best first; hybrid when `text` is given.

        Raises StoreError when the store has no hybrid search or refuses an operator of the filter.
        """

    def count(self) -> int:
        """How many chunks are searchable."""

    def close(self) -> None:
        """Let go of connections; the data stays with the deployed store."""
