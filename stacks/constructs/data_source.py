"""The documents of a knowledge base."""

from __future__ import annotations

from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.embedding_model import asked_model_arn
from stacks.constructs.vector_stores.vector_store import fingerprint
from stacks.settings_knowledge import KnowledgeSettings

Ingestion = bedrock.CfnDataSource.VectorIngestionConfigurationProperty
Chunking = bedrock.CfnDataSource.ChunkingConfigurationProperty


class DataSource(Construct):
    """Prepared documents in their bucket, and how they become chunks.

    What is deleted with the data source: in a stage that keeps its data, the vectors, while the
    store is there. In one that does not, nothing: the store goes with the stack, and a data source
    that cannot delete vectors from a store that is gone already could not be deleted at all
    (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-data-source-manage.html).

    Chunking and parsing can only be replaced, so the name changes with them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        knowledge_base_id: str,
        bucket: s3.IBucket,
        settings: KnowledgeSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        chunking = _chunking(settings)
        self.resource = bedrock.CfnDataSource(
            self,
            "Resource",
            knowledge_base_id=knowledge_base_id,
            name="prepared-documents-" + fingerprint(*_settled(settings)),
            description="Prepared documents",
            data_deletion_policy="DELETE" if settings.retain_data else "RETAIN",
            data_source_configuration=bedrock.CfnDataSource.DataSourceConfigurationProperty(
                type="S3",
                s3_configuration=bedrock.CfnDataSource.S3DataSourceConfigurationProperty(
                    bucket_arn=bucket.bucket_arn,
                    inclusion_prefixes=(
                        [settings.inclusion_prefix] if settings.inclusion_prefix else None
                    ),
                ),
            ),
            vector_ingestion_configuration=Ingestion(
                chunking_configuration=chunking,
                parsing_configuration=self._parsing(settings),
            ),
        )
        self.data_source_id = self.resource.attr_data_source_id

    def _parsing(
        self, settings: KnowledgeSettings
    ) -> bedrock.CfnDataSource.ParsingConfigurationProperty | None:
        source = bedrock.CfnDataSource
        if settings.parsing == "data_automation":
            return source.ParsingConfigurationProperty(parsing_strategy="BEDROCK_DATA_AUTOMATION")
        if settings.parsing == "foundation_model":
            return source.ParsingConfigurationProperty(
                parsing_strategy="BEDROCK_FOUNDATION_MODEL",
                bedrock_foundation_model_configuration=(
                    source.BedrockFoundationModelConfigurationProperty(
                        model_arn=asked_model_arn(
                            self, settings.parsing_model, profile=settings.parsing_profile
                        )
                    )
                ),
            )
        return None


def _settled(settings: KnowledgeSettings) -> list[object]:
    """What a data source cannot change."""
    names = {
        "fixed": ("chunk_tokens", "chunk_overlap_percent"),
        "hierarchical": ("chunk_tokens", "parent_tokens", "chunk_overlap_percent"),
        "semantic": ("chunk_tokens", "semantic_threshold", "semantic_buffer"),
        "none": (),
    }[settings.chunking]
    asked = [settings.parsing_profile, settings.parsing_model]
    parsing = asked if settings.parsing == "foundation_model" else []
    numbers = [getattr(settings, name) for name in names]
    return [settings.chunking, *numbers, settings.parsing, *parsing]


def _chunking(settings: KnowledgeSettings) -> Chunking:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/kb-chunking.html"""
    source = bedrock.CfnDataSource
    if settings.chunking == "hierarchical":
        level = source.HierarchicalChunkingLevelConfigurationProperty
        return Chunking(
            chunking_strategy="HIERARCHICAL",
            hierarchical_chunking_configuration=source.HierarchicalChunkingConfigurationProperty(
                level_configurations=[
                    level(max_tokens=settings.parent_tokens),
                    level(max_tokens=settings.chunk_tokens),
                ],
                overlap_tokens=max(
                    1, settings.chunk_tokens * settings.chunk_overlap_percent // 100
                ),
            ),
        )
    if settings.chunking == "semantic":
        return Chunking(
            chunking_strategy="SEMANTIC",
            semantic_chunking_configuration=source.SemanticChunkingConfigurationProperty(
                max_tokens=settings.chunk_tokens,
                breakpoint_percentile_threshold=settings.semantic_threshold,
                buffer_size=settings.semantic_buffer,
            ),
        )
    if settings.chunking == "none":
        return Chunking(chunking_strategy="NONE")
    return Chunking(
        chunking_strategy="FIXED_SIZE",
        fixed_size_chunking_configuration=source.FixedSizeChunkingConfigurationProperty(
            max_tokens=settings.chunk_tokens,
            overlap_percentage=settings.chunk_overlap_percent,
        ),
    )
