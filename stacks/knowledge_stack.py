"""What is known: vectors of prepared documents, and the knowledge base that searches them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from aws_cdk import Annotations, CfnOutput, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.customer_key import customer_key
from stacks.constructs.data_source import DataSource
from stacks.constructs.ingestion import INGESTION, Ingestion, IngestionInputs
from stacks.constructs.knowledge_base import KnowledgeBase, KnowledgeBaseInputs
from stacks.constructs.knowledge_base_logs import KnowledgeBaseLogs
from stacks.constructs.network import Network
from stacks.constructs.vector_stores.setup_function import NAME as SETUP
from stacks.constructs.vector_stores.vector_store import (
    VectorStoreInputs,
    fingerprint,
    vector_store,
)
from stacks.cross_stack_references import hold_on_to_imports
from stacks.knowledge import Knowledge
from stacks.settings import Settings


class KnowledgeStack(Stack):
    """Vector store, knowledge base, data source, and the ingestion that keeps them up to date."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        package: Callable[[str], Bundle],
        network: Network,
        documents: s3.IBucket,
        alarm_topic: sns.ITopic,
        **kwargs: Any,
    ) -> None:
        chosen = settings.knowledge
        super().__init__(
            scope,
            construct_id,
            description="Groundwork: knowledge base",
            termination_protection=chosen.protects_stack,
            **kwargs,
        )
        hold_on_to_imports(self)
        if chosen.retain_data and not chosen.deployed:
            Annotations.of(self).add_warning_v2(
                "groundwork:knowledge.deployed",
                "Nothing says what is deployed, so a change that replaces the knowledge base would "
                "not be noticed, and neither stack nor store is protected from deletion. When the "
                f"deployment is complete, set knowledge.deployed to {chosen.identity} in cdk.json, "
                "and deploy again.",
            )
        embedding = chosen.embedding
        key = customer_key(self, "Key", settings=chosen, holds="vectors")
        store_inputs = VectorStoreInputs(
            settings=chosen,
            embedding=embedding,
            setup_package=partial(package, SETUP),
            vpc=network.vpc,
            subnets=network.worker_subnets,
            encryption_key=key,
        )
        if key:
            key.apply_removal_policy(store_inputs.removal_policy)
        store = vector_store(self, "Vectors", inputs=store_inputs)
        knowledge_base = KnowledgeBase(
            self,
            "KnowledgeBase",
            inputs=KnowledgeBaseInputs(
                settings=chosen,
                embedding=embedding,
                store=store,
                documents=documents,
                documents_key=documents.encryption_key,
            ),
        )
        source = DataSource(
            self,
            "Documents",
            knowledge_base_id=knowledge_base.knowledge_base_id,
            bucket=documents,
            settings=chosen,
        )
        if chosen.ingestion_log:
            KnowledgeBaseLogs(
                self,
                "IngestionLog",
                name=knowledge_base.name,
                knowledge_base_arn=knowledge_base.knowledge_base_arn,
                retention_days=chosen.log_retention_days,
            )
        ingestion = Ingestion(
            self,
            "Ingestion",
            inputs=IngestionInputs(
                settings=settings.ingestion,
                package=package(INGESTION),
                knowledge_base_id=knowledge_base.knowledge_base_id,
                knowledge_base_arn=knowledge_base.knowledge_base_arn,
                data_source_id=source.data_source_id,
                bucket=documents,
                prefix=chosen.inclusion_prefix,
                log_retention_days=chosen.log_retention_days,
                alarm_topic=alarm_topic,
                store_permissions=store.job_permissions,
                settled=fingerprint(*chosen.replacing, source.resource.name),
            ),
        )
        self.knowledge = Knowledge(
            knowledge_base_id=knowledge_base.knowledge_base_id,
            knowledge_base_arn=knowledge_base.knowledge_base_arn,
            table=ingestion.table,
            embedding=embedding,
            embedding_model_arn=knowledge_base.embedding_model_arn,
            rerank_model=chosen.rerank_model,
        )

        CfnOutput(self, "KnowledgeBaseId", value=knowledge_base.knowledge_base_id)
        CfnOutput(self, "DataSourceId", value=source.data_source_id)
        CfnOutput(self, "IngestionQueueUrl", value=ingestion.queue.queue_url)
        CfnOutput(self, "IngestionTopicArn", value=ingestion.topic.topic_arn)
        CfnOutput(self, "FailedDocumentsQueueUrl", value=ingestion.failed_documents.queue_url)
        CfnOutput(self, "KnowledgeTableName", value=ingestion.table.table_name)
        CfnOutput(self, "VectorStore", value=chosen.vector_store)
        CfnOutput(self, "EmbeddingDimension", value=str(embedding.dimension))
        CfnOutput(self, "Identity", value=chosen.identity)
