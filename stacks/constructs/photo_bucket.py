"""Where photos lie."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.private_bucket import forget_old_versions, private_bucket


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
        self.bucket = private_bucket(
            self,
            "Bucket",
            removal_policy=RemovalPolicy.RETAIN if retain_data else RemovalPolicy.DESTROY,
            lifecycle_rules=[forget_old_versions(days=noncurrent_days)],
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.PUT],
                    allowed_origins=["*"],
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
        )
        acknowledge(
            self.bucket,
            "AwsSolutions::AwsSolutions-S1",
            reason="Photos are reached by credentials that name their user; access logs would need "
            "a bucket of their own that keeps the stack from being deleted.",
        )
