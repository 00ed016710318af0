"""Amazon S3 Vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3vectors as s3vectors
from constructs import Construct

from stacks.constructs.vector_stores.vector_store import (
    NativeVectorStore,
    Storage,
    VectorStoreInputs,
)
from stacks.vector_index import METADATA_FIELD

# What Bedrock writes beside each vector. Filterable metadata is limited to 2 KB, which a chunk's
# text exceeds, and which keys are filterable is settled when the index is made.
# https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
NOT_FILTERABLE = ("AMAZON_BEDROCK_TEXT", METADATA_FIELD)


class Store(NativeVectorStore):
    """A vector bucket with one index: nothing runs, so nothing is paid for but what is stored.

    Bedrock searches it by meaning alone (no hybrid search), in about 100 milliseconds, or up to a
    second when it was not asked for a while, and knows no `startsWith` and `stringContains` in
    filters (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-bedrock-kb.html). A
    document's own metadata may have 1 KB and 35 keys
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html). The index
    has no parameters: S3 decides how it searches.

    Neither bucket nor index has a name of ours: everything about them can only be replaced. An
    index that is kept is another resource when chunks change.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: VectorStoreInputs) -> None:
        super().__init__(scope, construct_id, inputs=inputs)
        key = inputs.encryption_key
        self._bucket = s3vectors.CfnVectorBucket(
            self,
            "Bucket",
            encryption_configuration=s3vectors.CfnVectorBucket.EncryptionConfigurationProperty(
                sse_type="aws:kms" if key else "AES256",
                kms_key_arn=key.key_arn if key else None,
            ),
        )
        self._index = s3vectors.CfnIndex(
            self,
            "Index" + (inputs.index_fingerprint() if inputs.settings.keeps_vectors else ""),
            vector_bucket_arn=self._bucket.attr_vector_bucket_arn,
            data_type="float32",
            dimension=inputs.embedding.dimension,
            distance_metric="cosine",
            metadata_configuration=s3vectors.CfnIndex.MetadataConfigurationProperty(
                non_filterable_metadata_keys=list(NOT_FILTERABLE)
            ),
        )
        if key:
            self._let_indexing_use(key)
        for kept in (self._bucket, self._index):
            kept.apply_removal_policy(inputs.removal_policy)
        self.depends_on.append(self._index)

    def _let_indexing_use(self, key: kms.IKey) -> None:
        """S3 builds the index by itself, later than vectors are put.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-data-encryption.html
        """
        buckets = Stack.of(self).format_arn(
            service="s3vectors", resource="bucket", resource_name="*"
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="IndexingOfThisAccount",
                principals=[iam.ServicePrincipal("indexing.s3vectors.amazonaws.com")],
                actions=["kms:Decrypt"],
                resources=["*"],
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": buckets},
                },
            )
        )

    @property
    def permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html"""
        key = self._inputs.encryption_key
        return {
            **({"vector-keys": [_may_use(key)]} if key else {}),
            "vectors": [
                iam.PolicyStatement(
                    actions=[
                        "s3vectors:DeleteVectors",
                        "s3vectors:GetIndex",
                        "s3vectors:GetVectors",
                        "s3vectors:PutVectors",
                        "s3vectors:QueryVectors",
                    ],
                    resources=[self._index.attr_index_arn],
                )
            ],
        }

    @property
    def storage_configuration(self) -> Storage:
        """See NativeVectorStore."""
        return Storage(
            type="S3_VECTORS",
            s3_vectors_configuration=bedrock.CfnKnowledgeBase.S3VectorsConfigurationProperty(
                index_arn=self._index.attr_index_arn
            ),
        )


def _may_use(key: kms.IKey) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]
    )
