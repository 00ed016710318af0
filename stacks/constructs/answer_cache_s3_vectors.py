"""Answers kept as vectors on S3."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3vectors as s3vectors
from constructs import Construct

# lambda_src/chat/cache_on_s3_vectors.py writes them. The answer itself is longer than the 2 KB that
# filterable metadata may have, and which keys are filterable is settled when the index is made.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html
NOT_FILTERABLE = ("entry",)


class S3VectorsAnswerCache(Construct):
    """A vector bucket of its own with one index: nothing runs, so an idle cache costs nothing.

    A search takes tens to hundreds of milliseconds, against the seconds that a model takes
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-performance.html). Not the
    knowledge base's index: what is cached comes and goes, and has another metadata.

    An index cannot be changed, so with another embedding model there is another one. Its name is
    left to CloudFormation. It goes with the stack: what is lost is made again by asking.

    Attributes: `index_arn`, `permissions`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, dimension: int) -> None:
        super().__init__(scope, construct_id)
        bucket = s3vectors.CfnVectorBucket(
            self,
            "Bucket",
            encryption_configuration=s3vectors.CfnVectorBucket.EncryptionConfigurationProperty(
                sse_type="AES256"
            ),
        )
        index = s3vectors.CfnIndex(
            self,
            "Index",
            vector_bucket_arn=bucket.attr_vector_bucket_arn,
            data_type="float32",
            dimension=dimension,
            distance_metric="cosine",
            metadata_configuration=s3vectors.CfnIndex.MetadataConfigurationProperty(
                non_filterable_metadata_keys=list(NOT_FILTERABLE)
            ),
        )
        for kept in (bucket, index):
            kept.apply_removal_policy(RemovalPolicy.DESTROY)
        self.index_arn = index.attr_index_arn
        # A query that filters, or returns metadata, needs GetVectors as well:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-access-management.html
        self.permissions = [
            iam.PolicyStatement(
                actions=[
                    "s3vectors:DeleteVectors",
                    "s3vectors:GetVectors",
                    "s3vectors:PutVectors",
                    "s3vectors:QueryVectors",
                ],
                resources=[self.index_arn],
            )
        ]
