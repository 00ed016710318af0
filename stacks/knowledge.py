"""What the knowledge stack hands to the stacks that ask it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb

from stacks.embedding_models import Embedding


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """A knowledge base; `table` says how far its ingestion is, `rerank_model` is often empty."""

    knowledge_base_id: str
    knowledge_base_arn: str
    table: dynamodb.ITable
    embedding: Embedding
    embedding_model_arn: str
    rerank_model: str
