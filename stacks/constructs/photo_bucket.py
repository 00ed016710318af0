"""Where photos lie."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge


class PhotoBucket(Construct):
    """A private bucket that devices put photos into directly; notes hold the keys.

    A photo in a table would be read by every device with every full synchronisation, and an item
    has room for 400 KB
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-use-s3-too.html). Browsers
    may ask from any page: what they may do is decided by their credentials.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, retain_data: bool, noncurrent_days: int = 30
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN if retain_data else RemovalPolicy.DESTROY,
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.PUT],
                    allowed_origins=["*"],
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forget-what-is-no-longer-current",
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    noncurrent_version_expiration=Duration.days(noncurrent_days),
                    expired_object_delete_marker=True,
                )
            ],
        )
        acknowledge(
            self.bucket,
            "AwsSolutions::AwsSolutions-S1",
            reason="Photos are reached by credentials that name their user; access logs would need "
            "a bucket of their own that keeps the stack from being deleted.",
        )
