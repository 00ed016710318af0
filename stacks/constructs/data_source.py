"""The documents of a knowledge base."""

from __future__ import annotations

from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.model_arns import asked_model_arn
from stacks.constructs.vector_stores.vector_store import fingerprint
from stacks.settings_knowledge import KnowledgeSettings

Ingestion = bedrock.CfnDataSource.VectorIngestionConfigurationProperty
Chunking = bedrock.CfnDataSource.ChunkingConfigurationProperty


class DataSource(Construct):
    """Prepared documents in their bucket, and how they become chunks.

    What becomes of its vectors when the data source is deleted
    (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-ds-delete.html):

    - Where they are kept, nothing: DELETE would empty the store that is kept for them, whether the
      stack is deleted or the data source replaced. Lest what was cut in one way is found beside
      what is cut in another, a change of chunks makes another index, and with it another knowledge
      base (`VectorStoreInputs.index_fingerprint`).
    - Elsewhere, and at third parties, whose store the stack does not make, they are deleted: what
      is cut in another way takes their place in the same index, and the knowledge base stays. For
      that Bedrock needs store, index, role and policies, so they are there before the knowledge
      base and go after it, in a replacement too. Where one was deleted by hand, the data source
      cannot be deleted, and the remedy is in docs/vector-stores.md.

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
            name="prepared-documents-" + fingerprint(settings.chunks),
            description="Prepared documents",
            data_deletion_policy="RETAIN" if settings.keeps_vectors else "DELETE",
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
