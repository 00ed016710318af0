"""Buckets that are nobody's but their owner's."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


def private_bucket(
    scope: Construct,
    construct_id: str,
    *,
    removal_policy: RemovalPolicy,
    lifecycle_rules: Sequence[s3.LifecycleRule],
    encryption_key: kms.IKey | None = None,
    access_logs: s3.IBucket | None = None,
    cors: Sequence[s3.CorsRule] = (),
) -> s3.Bucket:
    """A versioned, encrypted bucket that answers over TLS 1.2 and knows no access control lists.

    Versions make an overwrite or a deletion recoverable; `lifecycle_rules` say for how long. With a
    customer's key, bucket keys keep KMS from being asked for every object
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
    """
    return s3.Bucket(
        scope,
        construct_id,
        versioned=True,
        encryption=s3.BucketEncryption.KMS if encryption_key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=encryption_key,
        bucket_key_enabled=True if encryption_key else None,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        server_access_logs_bucket=access_logs,
        server_access_logs_prefix=f"{construct_id}/" if access_logs else None,
        cors=list(cors) or None,
        removal_policy=removal_policy,
        lifecycle_rules=list(lifecycle_rules),
    )


def forget_old_versions(*, days: int) -> s3.LifecycleRule:
    """What was overwritten or deleted goes after `days`, what was never finished after a week."""
    return s3.LifecycleRule(
        id="forget-what-is-no-longer-current",
        abort_incomplete_multipart_upload_after=Duration.days(7),
        noncurrent_version_expiration=Duration.days(days),
        expired_object_delete_marker=True,
    )
