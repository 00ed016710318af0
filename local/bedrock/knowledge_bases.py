"""Deployed knowledge bases and data sources, as the data plane reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.bedrock.errors import BedrockError, invalid, missing
from local.stores.opening import open_store
from local.stores.store import Store, StoreError


@dataclass(frozen=True, kw_only=True)
class KnowledgeBase:
    """A knowledge base over a vector store."""

    id: str
    embedding_model: str
    storage: Mapping[str, Any]

    def open(self) -> Store:
        """Its vector store. Raises StoreError."""
        return open_store(self.storage)


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """Where a knowledge base's documents come from."""

    id: str
    knowledge_base_id: str
    kind: str
    bucket: str
    prefixes: list[str]
    chunking: Mapping[str, Any] | None
    transformed: bool


def knowledge_base(identifier: str) -> KnowledgeBase:
    """By id or ARN. Raises BedrockError."""
    from ministack.services import bedrock_agent

    short = identifier.rpartition("/")[2]
    record = bedrock_agent._knowledge_bases.get(short)
    if record is None:
        raise missing(f"Knowledge base with ID {short} is not found.")
    configuration = record["KnowledgeBaseConfiguration"]
    vectors = configuration.get("vectorKnowledgeBaseConfiguration")
    if configuration.get("type") != "VECTOR" or not vectors:
        raise invalid(
            f"Knowledge base {short} is of type {configuration.get('type')}; the local AWS plays "
            "those of type VECTOR"
        )
    return KnowledgeBase(
        id=short,
        embedding_model=str(vectors["embeddingModelArn"]).rpartition("/")[2],
        storage=record["StorageConfiguration"],
    )


def data_source(knowledge_base_id: str, identifier: str) -> DataSource:
    """A data source of a knowledge base. Raises BedrockError."""
    from ministack.services import bedrock_agent

    owner = knowledge_base(knowledge_base_id)
    record = bedrock_agent._data_sources.get(f"{owner.id}/{identifier}")
    if record is None:
        raise missing(f"DataSource with ID {identifier} is not found in {owner.id}.")
    configuration = record["DataSourceConfiguration"]
    s3 = configuration.get("s3Configuration") or {}
    ingestion = record.get("VectorIngestionConfiguration") or {}
    return DataSource(
        id=identifier,
        knowledge_base_id=owner.id,
        kind=str(configuration.get("type")),
        bucket=str(s3.get("bucketArn", "")).rpartition(":")[2],
        prefixes=list(s3.get("inclusionPrefixes") or ()),
        chunking=ingestion.get("chunkingConfiguration"),
        transformed=bool(
            ingestion.get("customTransformationConfiguration")
            or ingestion.get("contextEnrichmentConfiguration")
        ),
    )


def refused(error: StoreError) -> BedrockError:
    """What Retrieve says when the vector store refuses."""
    return invalid(f"The vector store returned an error while processing the request: {error}")
