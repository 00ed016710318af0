"""Buckets keep what their template says, and go only when they are empty."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.session import LocalAws
from tests.local.small_stack import Resources, Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def bucket(**properties: Any) -> Resources:
    return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}


def test_a_bucket_keeps_encryption_lifecycle_logging_ownership_and_tags(
    aws: LocalAws, stack: Stack
) -> None:
    rule = {
        "Id": "tidy",
        "Status": "Enabled",
        "ExpiredObjectDeleteMarker": True,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/key"}
    encryption = [{"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": default}]
    resources = bucket(
        BucketEncryption={"ServerSideEncryptionConfiguration": encryption},
        LifecycleConfiguration={"Rules": [rule]},
        LoggingConfiguration={"DestinationBucketName": "logs", "LogFilePrefix": "b/"},
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        Tags=[{"Key": "Stage", "Value": "dev"}],
    )
    stack.deploy(resources)
    s3, name = aws.client("s3"), stack.id_of("Bucket")
    (kept,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert kept["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert kept["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert kept["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]["TargetBucket"] == "logs"
    encrypted = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    assert encrypted["Rules"][0]["ApplyServerSideEncryptionByDefault"] == default
    owned = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert owned["Rules"][0]["ObjectOwnership"] == "BucketOwnerPreferred"
    tags = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    assert {"Key": "Stage", "Value": "dev"} in tags

    del resources["Bucket"]["Properties"]["LifecycleConfiguration"]
    stack.deploy(resources)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)


def test_a_lifecycle_rule_that_is_not_played_is_refused_by_name(stack: Stack) -> None:
    rule = {"Status": "Enabled", "TagFilters": [{"Key": "a", "Value": "b"}]}
    with pytest.raises(AssertionError):
        stack.deploy(bucket(LifecycleConfiguration={"Rules": [rule]}))
    assert "LifecycleConfiguration.Rules.TagFilters" in stack.why()


def test_a_bucket_that_holds_a_version_is_not_deleted(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(bucket(VersioningConfiguration={"Status": "Enabled"}))
    s3, name = aws.client("s3"), stack.id_of("Bucket")
    version = s3.put_object(Bucket=name, Key="a", Body=b"a")["VersionId"]
    marker = s3.delete_object(Bucket=name, Key="a")["VersionId"]
    assert stack.delete() == "DELETE_FAILED"
    assert "not empty" in stack.why()
    s3.delete_object(Bucket=name, Key="a", VersionId=version)
    s3.delete_object(Bucket=name, Key="a", VersionId=marker)
    assert stack.delete() == "DELETE_COMPLETE"
