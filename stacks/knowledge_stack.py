"""What is known: vectors of prepared documents, and the knowledge base that searches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_cdk import Annotations, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.data_source import DataSource
from stacks.constructs.ingestion import Ingestion, IngestionInputs
from stacks.constructs.knowledge_base import KnowledgeBase, KnowledgeBaseInputs
from stacks.constructs.knowledge_base_logs import KnowledgeBaseLogs
from stacks.constructs.network import Network
from stacks.constructs.vector_stores.vector_store import (
    VectorStoreInputs,
    fingerprint,
    vector_store,
)
from stacks.knowledge import Knowledge
from stacks.settings_ingestion import IngestionSettings
from stacks.settings_knowledge import KnowledgeSettings


@dataclass(frozen=True, kw_only=True)
class KnowledgeStackInputs:
    """Settings, where documents come from, and where alarms go.

    `setup_package` makes the package of the function behind custom resources; not every store
    needs it.
    """

    settings: KnowledgeSettings
    network: Network
    setup_package: Callable[[], Bundle]
    ingestion: IngestionSettings
    ingestion_package: Bundle
    documents: s3.IBucket
    alarm_topic: sns.ITopic


class KnowledgeStack(Stack):
    """Vector store, knowledge base, data source, and the ingestion that keeps them up to date."""

    def __init__(
        self, scope: Construct, construct_id: str, *, inputs: KnowledgeStackInputs, **kwargs: Any
    ) -> None:
        settings = inputs.settings
        super().__init__(
            scope,
            construct_id,
            description="Groundwork: knowledge base",
            termination_protection=settings.retain_data,
            **kwargs,
        )
        # As in the fleet's stack: what is imported cannot be deleted or replaced unnoticed.
        self.node.set_context("@aws-cdk/core:defaultCrossStackReferences", "strong")
        if settings.retain_data and not settings.deployed:
            Annotations.of(self).add_warning_v2(
                "groundwork:knowledge.deployed",
                "Nothing says what is deployed, so a change that replaces the knowledge base would "
                f"not be noticed. Set knowledge.deployed to {settings.identity} in cdk.json.",
            )
        embedding = settings.embedding
        store = vector_store(
            self,
            "Vectors",
            inputs=VectorStoreInputs(
                settings=settings,
                embedding=embedding,
                setup_package=inputs.setup_package,
                vpc=inputs.network.vpc,
                subnets=inputs.network.worker_subnets,
                encryption_key=self._key(settings),
            ),
        )
        knowledge_base = KnowledgeBase(
            self,
            "KnowledgeBase",
            inputs=KnowledgeBaseInputs(
                settings=settings,
                embedding=embedding,
                store=store,
                documents=inputs.documents,
                documents_key=inputs.documents.encryption_key,
            ),
        )
        source = DataSource(
            self,
            "Documents",
            knowledge_base_id=knowledge_base.knowledge_base_id,
            bucket=inputs.documents,
            settings=settings,
        )
        if settings.ingestion_log:
            KnowledgeBaseLogs(
                self,
                "IngestionLog",
                name=f"{construct_id}-{fingerprint(settings.identity)}",
                knowledge_base_arn=knowledge_base.knowledge_base_arn,
                retention_days=settings.log_retention_days,
            )
        ingestion = Ingestion(
            self,
            "Ingestion",
            inputs=IngestionInputs(
                settings=inputs.ingestion,
                package=inputs.ingestion_package,
                knowledge_base_id=knowledge_base.knowledge_base_id,
                knowledge_base_arn=knowledge_base.knowledge_base_arn,
                data_source_id=source.data_source_id,
                bucket=inputs.documents,
                prefix=settings.inclusion_prefix,
                log_retention_days=settings.log_retention_days,
                alarm_topic=inputs.alarm_topic,
            ),
        )
        self.knowledge = Knowledge(
            knowledge_base_id=knowledge_base.knowledge_base_id,
            knowledge_base_arn=knowledge_base.knowledge_base_arn,
            table=ingestion.table,
            embedding=embedding,
            embedding_model_arn=knowledge_base.embedding_model_arn,
            rerank_model=settings.rerank_model,
        )

        CfnOutput(self, "KnowledgeBaseId", value=knowledge_base.knowledge_base_id)
        CfnOutput(self, "DataSourceId", value=source.data_source_id)
        CfnOutput(self, "IngestionQueueUrl", value=ingestion.queue.queue_url)
        CfnOutput(self, "IngestionTopicArn", value=ingestion.topic.topic_arn)
        CfnOutput(self, "FailedDocumentsQueueUrl", value=ingestion.failed_documents.queue_url)
        CfnOutput(self, "KnowledgeTableName", value=ingestion.table.table_name)
        CfnOutput(self, "VectorStore", value=settings.vector_store)
        CfnOutput(self, "EmbeddingDimension", value=str(embedding.dimension))
        CfnOutput(self, "Identity", value=settings.identity)

    def _key(self, settings: KnowledgeSettings) -> kms.Key | None:
        if not settings.customer_key:
            return None
        return kms.Key(
            self,
            "Key",
            description="Groundwork: vectors",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if settings.retain_data else RemovalPolicy.DESTROY,
        )
