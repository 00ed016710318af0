"""What MiniStack drops from AWS::S3::Bucket: encryption, lifecycle, access logs, ownership, tags.

Each property goes through MiniStack's own S3 API, as the body that an SDK would send, so it is
checked and read back like any other. Nothing expires and nothing is logged for it
(docs/fidelity.md). A bucket that holds anything is not deleted, as in AWS; MiniStack would.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.types.handlers import Properties, extend, table, true

LIFECYCLE_MEMBERS = {
    "Id": ("ID",),
    "Status": ("Status",),
    "ExpirationInDays": ("Expiration", "Days"),
    "ExpiredObjectDeleteMarker": ("Expiration", "ExpiredObjectDeleteMarker"),
    "NoncurrentVersionExpiration": ("NoncurrentVersionExpiration",),
    "AbortIncompleteMultipartUpload": ("AbortIncompleteMultipartUpload",),
    "Prefix": ("Filter", "Prefix"),
}


@dataclass(frozen=True, kw_only=True)
class _Configuration:
    """A property, the S3 operation that sets it, and MiniStack's functions for it."""

    operation: str
    member: str
    translate: Callable[[Any], Any]
    put: str
    delete: str | None = None


def register() -> None:
    """Apply what the stock handlers leave out, after they have run; guard what is in a bucket."""
    extend("AWS::S3::Bucket", applied=_apply)
    stock = table()["AWS::S3::Bucket"]["delete"]

    def delete(bucket: str, properties: Properties) -> None:
        _refuse_unless_empty(bucket)
        stock(bucket, properties)

    table()["AWS::S3::Bucket"]["delete"] = delete


def _refuse_unless_empty(bucket: str) -> None:
    from ministack.services import s3

    held = s3._buckets.get(bucket, {}).get("objects")
    if held or s3._bucket_has_versions(bucket):
        raise ValueError(
            "The bucket you tried to delete is not empty. You must delete all versions in the "
            f"bucket. (BucketNotEmpty, {bucket})"
        )


def _apply(bucket: str, old: Properties, new: Properties) -> None:
    from ministack.services import s3

    for name, configuration in CONFIGURATIONS.items():
        if name in new:
            translated = configuration.translate(new[name])
            body = _body(configuration.operation, configuration.member, bucket, translated)
            status, _, answer = getattr(s3, configuration.put)(bucket, body)
            if status >= 300:
                raise ValueError(f"AWS::S3::Bucket {name} was refused: {answer.decode()}")
        elif name in old and configuration.delete:
            getattr(s3, configuration.delete)(bucket)


def _body(operation: str, member: str, bucket: str, value: Any) -> bytes:
    """The XML that an SDK sends."""
    from botocore.serialize import create_serializer

    request = create_serializer("rest-xml").serialize_to_request(
        {"Bucket": bucket, member: value}, _s3_model().operation_model(operation)
    )
    body: bytes = request["body"]
    return body


@functools.cache
def _s3_model() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("s3", "service-2"), "s3")


def _encryption(property_value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": _key(rule["ServerSideEncryptionByDefault"]),
                "BucketKeyEnabled": true(rule.get("BucketKeyEnabled", False)),
            }
            for rule in property_value["ServerSideEncryptionConfiguration"]
        ]
    }


def _key(default: Mapping[str, Any]) -> dict[str, Any]:
    """Without a key, AWS takes the account's own key for S3; MiniStack wants it spelled out."""
    from ministack.core.responses import get_account_id, get_region

    if default["SSEAlgorithm"] == "AES256" or default.get("KMSMasterKeyID"):
        return dict(default)
    key = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
    return {**default, "KMSMasterKeyID": key}


def _lifecycle(property_value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(rule) for rule in property_value["Rules"]]}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    translated: dict[str, Any] = {"Filter": {"Prefix": ""}}
    for name, value in rule.items():
        if name not in LIFECYCLE_MEMBERS:
            raise ValueError(
                f"AWS::S3::Bucket LifecycleConfiguration.Rules.{name} is not played locally; "
                "add it to local/types/buckets.py"
            )
        *path, last = LIFECYCLE_MEMBERS[name]
        target = translated
        for step in path:
            target = target.setdefault(step, {})
        target[last] = _number(value)
    return translated


def _number(value: Any) -> Any:
    """CloudFormation may hand over numbers and booleans as text; the API's shapes want them so."""
    if isinstance(value, Mapping):
        return {name: _number(each) for name, each in value.items()}
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value == "true" if value in ("true", "false") else value


def _logging(property_value: Mapping[str, Any]) -> dict[str, Any]:
    if "DestinationBucketName" not in property_value:
        return {}
    return {
        "LoggingEnabled": {
            "TargetBucket": property_value["DestinationBucketName"],
            "TargetPrefix": property_value.get("LogFilePrefix", ""),
        }
    }


def _ownership(property_value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rules": list(property_value["Rules"])}


def _tags(property_value: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "TagSet": [{"Key": each["Key"], "Value": str(each["Value"])} for each in property_value]
    }


CONFIGURATIONS = {
    "BucketEncryption": _Configuration(
        operation="PutBucketEncryption",
        member="ServerSideEncryptionConfiguration",
        translate=_encryption,
        put="_put_bucket_encryption",
        delete="_delete_bucket_encryption",
    ),
    "LifecycleConfiguration": _Configuration(
        operation="PutBucketLifecycleConfiguration",
        member="LifecycleConfiguration",
        translate=_lifecycle,
        put="_put_bucket_lifecycle",
        delete="_delete_bucket_lifecycle",
    ),
    "LoggingConfiguration": _Configuration(
        operation="PutBucketLogging",
        member="BucketLoggingStatus",
        translate=_logging,
        put="_put_bucket_logging",
    ),
    "OwnershipControls": _Configuration(
        operation="PutBucketOwnershipControls",
        member="OwnershipControls",
        translate=_ownership,
        put="_put_bucket_ownership_controls",
        delete="_delete_bucket_ownership_controls",
    ),
    "Tags": _Configuration(
        operation="PutBucketTagging",
        member="Tagging",
        translate=_tags,
        put="_put_bucket_tagging",
        delete="_delete_bucket_tagging",
    ),
}
