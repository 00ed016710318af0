"""Buckets for documents and prepared documents."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
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
        self._key = (
            kms.Key(
                self,
                "Key",
                description="Groundwork: documents",
                enable_key_rotation=True,
                removal_policy=self._removal_policy,
            )
            if settings.customer_key
            else None
        )
        self._access_logs = self._access_log_bucket() if settings.access_logs else None
        self.documents = self._bucket("Documents")
        self.prepared_documents = self._bucket("PreparedDocuments")
        for bucket in (self.documents, self.prepared_documents):
            _announce(bucket)

    @property
    def _removal_policy(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self._settings.retain_data else RemovalPolicy.DESTROY

    def _bucket(self, construct_id: str) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            construct_id,
            versioned=True,
            encryption=s3.BucketEncryption.KMS if self._key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key,
            bucket_key_enabled=True if self._key else None,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=f"{construct_id}/" if self._access_logs else None,
            removal_policy=self._removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forget-what-is-no-longer-current",
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    noncurrent_version_expiration=Duration.days(
                        self._settings.noncurrent_version_days
                    ),
                    expired_object_delete_marker=True,
                )
            ],
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
        return s3.Bucket(
            self,
            "AccessLogs",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
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
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
            event_bridge_enabled=True
        )
    )
