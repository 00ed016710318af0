"""Buckets for documents and prepared documents."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.customer_key import customer_key
from stacks.constructs.escape_hatch import resource_of
from stacks.constructs.private_bucket import forget_old_versions, private_bucket
from stacks.settings_documents import DocumentsSettings


class DocumentBuckets(Construct):
    """Two versioned, encrypted, private buckets, and one for their access logs by setting.

    Versions make an overwrite or a deletion recoverable and let a message name the very object
    that was uploaded. Changes are announced on the default event bus by the buckets' own property
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html): the L2 flag would add
    a custom resource with a Lambda function for it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: DocumentsSettings) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._key = customer_key(self, "Key", settings=settings, holds="documents")
        self._access_logs = self._access_log_bucket() if settings.access_logs else None
        self.documents = self._bucket("Documents")
        self.prepared_documents = self._bucket("PreparedDocuments")
        for bucket in (self.documents, self.prepared_documents):
            _announce(bucket)

    @property
    def _removal_policy(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self._settings.retain_data else RemovalPolicy.DESTROY

    def _bucket(self, construct_id: str) -> s3.Bucket:
        bucket = private_bucket(
            self,
            construct_id,
            removal_policy=self._removal_policy,
            lifecycle_rules=[forget_old_versions(days=self._settings.noncurrent_version_days)],
            encryption_key=self._key,
            access_logs=self._access_logs,
        )
        if self._access_logs is None:
            acknowledge(
                bucket,
                "AwsSolutions::AwsSolutions-S1",
                reason="Access logs are a setting (documents.access_logs), on in prod. In dev "
                "they would keep the stack from being deleted, as logs arrive until the end.",
            )
        return bucket

    def _access_log_bucket(self) -> s3.Bucket:
        """Access logs cannot be written to a bucket with a customer key, hence S3-managed keys.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        """
        return private_bucket(
            self,
            "AccessLogs",
            removal_policy=self._removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="expire",
                    expiration=Duration.days(self._settings.access_log_retention_days),
                    noncurrent_version_expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
        )


def _announce(bucket: s3.Bucket) -> None:
    kind = s3.CfnBucket
    resource_of(bucket, kind).notification_configuration = kind.NotificationConfigurationProperty(
        event_bridge_configuration=kind.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
