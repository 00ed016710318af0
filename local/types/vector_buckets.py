"""AWS::S3Vectors::VectorBucket, Index and VectorBucketPolicy, in the service that answers for them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_S3Vectors.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from local.stores import s3_vectors_api as api
from local.stores.s3_vectors import BUCKETS, INDICES
from local.stores.store import StoreError
from local.types.handlers import Outcome, Properties, add, required
from local.types.service_calls import camel, replaces

BUCKET_CREATE_ONLY = ("VectorBucketName", "EncryptionConfiguration")
INDEX_CREATE_ONLY = (
    "DataType",
    "Dimension",
    "DistanceMetric",
    "EncryptionConfiguration",
    "IndexName",
    "MetadataConfiguration",
    "VectorBucketArn",
    "VectorBucketName",
)


def register() -> None:
    """Add the types and the service."""
    api.register()
    add(
        "AWS::S3Vectors::VectorBucket",
        create=_create_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
    )
    add("AWS::S3Vectors::Index", create=_create_index, update=_update_index, delete=_delete_index)
    add(
        "AWS::S3Vectors::VectorBucketPolicy",
        create=_create_policy,
        update=_update_policy,
        delete=_delete_policy,
    )


def _asked(call: Callable[[], Any]) -> Any:
    """What the service does; its refusal as CloudFormation shows it."""
    try:
        return call()
    except api.ServiceError as refusal:
        raise ValueError(f"{refusal} ({refusal.name})") from None
    except StoreError as refusal:
        raise ValueError(f"{refusal} (ValidationException)") from None


def _name(logical_id: str, stack: str) -> str:
    """A name as CloudFormation makes one, in the letters that the service allows."""
    base = re.sub(r"[^a-z0-9-]+", "-", f"{stack}-{logical_id}".lower()).strip("-")
    return f"{base[:50].rstrip('-')}-{uuid.uuid4().hex[:12]}"


def _tags(properties: Properties) -> dict[str, str]:
    return {each["Key"]: str(each["Value"]) for each in properties.get("Tags", [])}


def _create_bucket(logical_id: str, properties: Properties, stack: str) -> Outcome:
    name = properties.get("VectorBucketName") or _name(logical_id, stack)
    encryption = camel(properties.get("EncryptionConfiguration", {}))
    made = _asked(lambda: api.create_bucket(name, encryption or None, _tags(properties)))
    return made.arn, {"VectorBucketArn": made.arn, "CreationTime": str(made.created)}


def _update_bucket(arn: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if replaces(old, new, BUCKET_CREATE_ONLY):
        return _create_bucket("bucket", new, stack)
    BUCKETS[_bucket_name(arn)].tags = _tags(new)
    return arn, {"VectorBucketArn": arn}


def _bucket_name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _delete_bucket(arn: str, _properties: Properties) -> None:
    if _bucket_name(arn) in BUCKETS:
        _asked(lambda: api.delete_bucket(_bucket_name(arn)))


def _create_index(logical_id: str, properties: Properties, stack: str) -> Outcome:
    for name in ("DataType", "Dimension", "DistanceMetric"):
        required(properties, name)
    request = camel({name: value for name, value in properties.items() if name != "Tags"})
    request.setdefault("indexName", _name(logical_id, stack))
    made = _asked(lambda: api.create_index({**request, "tags": _tags(properties)}))
    return made.arn, {"IndexArn": made.arn, "CreationTime": str(made.created)}


def _update_index(arn: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if replaces(old, new, INDEX_CREATE_ONLY):
        return _create_index("index", new, stack)
    INDICES[arn].tags = _tags(new)
    return arn, {"IndexArn": arn}


def _delete_index(arn: str, _properties: Properties) -> None:
    INDICES.pop(arn, None)


def _policy_of(properties: Properties) -> tuple[str, str]:
    name = properties.get("VectorBucketName") or _bucket_name(
        str(required(properties, "VectorBucketArn"))
    )
    policy = required(properties, "Policy")
    return name, policy if isinstance(policy, str) else json.dumps(policy)


def _create_policy(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    name, policy = _policy_of(properties)
    if name not in BUCKETS:
        raise ValueError(
            f"The specified vector bucket could not be found: {name} (NotFoundException)"
        )
    BUCKETS[name].policy = policy
    return BUCKETS[name].arn, {}


def _update_policy(_arn: str, _old: Properties, new: Properties, stack: str) -> Outcome:
    return _create_policy("", new, stack)


def _delete_policy(arn: str, _properties: Properties) -> None:
    bucket = BUCKETS.get(_bucket_name(arn))
    if bucket is not None:
        bucket.policy = None
