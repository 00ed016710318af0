"""The API of S3 Vectors: REST with JSON bodies, one path per operation.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_S3_Vectors.html
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import unquote

from local.request_checks import json_object, problem_of
from local.stores.s3_vectors import (
    BUCKETS,
    INDICES,
    IndexOfVectors,
    VectorBucket,
    VectorRecord,
)
from local.stores.store import StoreError

SERVICE = "s3vectors"
Request = Mapping[str, Any]
Response = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-buckets-naming.html, and for an
# index the pattern of its ARN
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
TOKEN = re.compile(r"\d{1,18}", re.ASCII)


class ServiceError(ValueError):
    """An error of the API, by name and status."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name


def invalid(message: str) -> ServiceError:
    """A request that cannot be served as it is."""
    return ServiceError(400, "ValidationException", message)


def register() -> None:
    """Answer for the service."""
    from ministack import app
    from ministack.core import router

    app.SERVICE_HANDLERS[SERVICE] = answer
    router.SERVICE_PATTERNS[SERVICE] = {
        "host_patterns": [rf"{SERVICE}\."],
        "credential_scope": SERVICE,
    }


async def answer(
    method: str, path: str, _headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
) -> Response:
    """One request; searching blocks, so it runs beside the event loop."""
    return await asyncio.to_thread(_answer, method, path, body, query)


def _answer(method: str, path: str, body: bytes, query: Mapping[str, Any]) -> Response:
    try:
        if path.startswith("/tags/"):
            return _ok(_tags(method, unquote(path.removeprefix("/tags/")), body, query))
        name = path.strip("/")
        if name not in OPERATIONS:
            raise invalid(f"{path} is not played locally")
        return _ok(OPERATIONS[name](_checked(name, _object(body))))
    except ServiceError as refusal:
        return _error(refusal.status, refusal.name, str(refusal))
    except StoreError as refusal:
        return _error(400, "ValidationException", str(refusal))


def _object(body: bytes) -> dict[str, Any]:
    try:
        return json_object(body or b"{}")
    except ValueError as error:
        raise invalid(str(error)) from None


def _checked(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """A request that the SDK's model of the operation allows. Raises ServiceError."""
    problem = problem_of(_service().operation_model(operation).input_shape, request)
    if problem:
        raise invalid(problem)
    return request


@cache
def _service() -> Any:
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    return ServiceModel(create_loader("data").load_service_model(SERVICE, "service-2"), SERVICE)


def _ok(content: Mapping[str, Any]) -> Response:
    return 200, {**JSON}, json.dumps(content).encode()


def _error(status: int, name: str, message: str) -> Response:
    content = json.dumps({"message": message}).encode()
    return status, {**JSON, "x-amzn-errortype": name}, content


# Buckets


def bucket_arn(name: str) -> str:
    """The ARN of a bucket of this account and region."""
    from ministack.core.responses import get_account_id, get_region

    return f"arn:aws:s3vectors:{get_region()}:{get_account_id()}:bucket/{name}"


def create_bucket(
    name: str, encryption: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None
) -> VectorBucket:
    """A new bucket; ServiceError when there is one of the name."""
    if not BUCKET_NAME.fullmatch(name):
        raise invalid(
            "vectorBucketName has 3 to 63 characters: lowercase letters, digits and hyphens; it "
            "begins and ends with a letter or digit"
        )
    if name in BUCKETS:
        message = f"A vector bucket with the specified name already exists: {name}"
        raise ServiceError(409, "ConflictException", message)
    BUCKETS[name] = VectorBucket(
        name=name,
        arn=bucket_arn(name),
        encryption=dict(encryption or {"sseType": "AES256"}),
        tags=dict(tags or {}),
    )
    return BUCKETS[name]


def delete_bucket(name: str) -> None:
    """ServiceError while it has indices."""
    bucket = _bucket({"vectorBucketName": name})
    if any(arn.startswith(f"{bucket.arn}/index/") for arn in INDICES):
        raise ServiceError(409, "ConflictException", "The specified vector bucket is not empty")
    del BUCKETS[name]


def _bucket(request: Request) -> VectorBucket:
    name = (
        request.get("vectorBucketName")
        or str(request.get("vectorBucketArn") or request.get("indexArn", ""))
        .partition("bucket/")[2]
        .partition("/")[0]
    )
    found = BUCKETS.get(str(name))
    if found is None:
        message = f"The specified vector bucket could not be found: {name}"
        raise ServiceError(404, "NotFoundException", message)
    return found


def _create_bucket(request: Request) -> dict[str, Any]:
    made = create_bucket(
        str(request.get("vectorBucketName", "")),
        request.get("encryptionConfiguration"),
        request.get("tags"),
    )
    return {"vectorBucketArn": made.arn}


def _describe_bucket(bucket: VectorBucket) -> dict[str, Any]:
    return {
        "vectorBucketName": bucket.name,
        "vectorBucketArn": bucket.arn,
        "creationTime": bucket.created,
    }


def _get_bucket(request: Request) -> dict[str, Any]:
    bucket = _bucket(request)
    described = {**_describe_bucket(bucket), "encryptionConfiguration": dict(bucket.encryption)}
    return {"vectorBucket": described}


def _list_buckets(request: Request) -> dict[str, Any]:
    prefix = request.get("prefix", "")
    found = [BUCKETS[name] for name in sorted(BUCKETS) if name.startswith(prefix)]
    page, token = _page(found, request, 500)
    return {"vectorBuckets": [_describe_bucket(each) for each in page], **token}


def _delete_bucket(request: Request) -> dict[str, Any]:
    delete_bucket(_bucket(request).name)
    return {}


def _put_policy(request: Request) -> dict[str, Any]:
    policy = str(request["policy"])
    try:
        json.loads(policy)
    except ValueError:
        raise invalid("policy is no JSON") from None
    _bucket(request).policy = policy
    return {}


def _get_policy(request: Request) -> dict[str, Any]:
    policy = _bucket(request).policy
    if policy is None:
        raise ServiceError(404, "NotFoundException", "The vector bucket policy does not exist")
    return {"policy": policy}


def _delete_policy(request: Request) -> dict[str, Any]:
    _bucket(request).policy = None
    return {}


# Indices


def create_index(request: Request) -> IndexOfVectors:
    """A new index of CreateIndex's request."""
    bucket = _bucket(request)
    name = str(request.get("indexName", ""))
    if not INDEX_NAME.fullmatch(name):
        raise invalid(
            "indexName has 3 to 63 characters: lowercase letters, digits, hyphens and dots; it "
            "begins and ends with a letter or digit"
        )
    if request.get("dataType") != "float32":
        raise invalid("dataType is float32")
    arn = f"{bucket.arn}/index/{name}"
    if arn in INDICES:
        message = f"An index with the specified name already exists: {name}"
        raise ServiceError(409, "ConflictException", message)
    INDICES[arn] = IndexOfVectors(
        arn=arn,
        dimension=int(request["dimension"]),
        distance_metric=str(request.get("distanceMetric")),
        non_filterable=request.get("metadataConfiguration", {}).get(
            "nonFilterableMetadataKeys", ()
        ),
        tags=request.get("tags"),
    )
    return INDICES[arn]


def _index(request: Request) -> IndexOfVectors:
    arn = str(request.get("indexArn") or f"{_bucket(request).arn}/index/{request.get('indexName')}")
    found = INDICES.get(arn)
    if found is None:
        raise ServiceError(
            404, "NotFoundException", f"The specified index could not be found: {arn}"
        )
    return found


def _create_index(request: Request) -> dict[str, Any]:
    return {"indexArn": create_index(request).arn}


def _describe_index(index: IndexOfVectors) -> dict[str, Any]:
    bucket, _, name = index.arn.partition("bucket/")[2].partition("/index/")
    return {
        "vectorBucketName": bucket,
        "indexName": name,
        "indexArn": index.arn,
        "creationTime": index.created,
    }


def _get_index(request: Request) -> dict[str, Any]:
    index = _index(request)
    described = {
        **_describe_index(index),
        "dataType": "float32",
        "dimension": index.dimension,
        "distanceMetric": index.distance_metric,
    }
    if index.non_filterable:
        keys = list(index.non_filterable)
        described["metadataConfiguration"] = {"nonFilterableMetadataKeys": keys}
    return {"index": described}


def _list_indices(request: Request) -> dict[str, Any]:
    start = f"{_bucket(request).arn}/index/{request.get('prefix', '')}"
    found = [INDICES[arn] for arn in sorted(INDICES) if arn.startswith(start)]
    page, token = _page(found, request, 500)
    return {"indexes": [_describe_index(each) for each in page], **token}


def _delete_index(request: Request) -> dict[str, Any]:
    INDICES.pop(_index(request).arn)
    return {}


# Vectors


def _put(request: Request) -> dict[str, Any]:
    records = [
        VectorRecord(
            key=str(each["key"]),
            data=tuple(each["data"]["float32"]),
            metadata=each.get("metadata") or {},
        )
        for each in request["vectors"]
    ]
    _index(request).put(records)
    return {}


def _get(request: Request) -> dict[str, Any]:
    return {"vectors": list(_shown(_index(request).get(request["keys"]), request))}


def _list(request: Request) -> dict[str, Any]:
    count = int(request.get("segmentCount", 1))
    at = int(request.get("segmentIndex", 0))
    if at >= count:
        raise invalid(f"segmentIndex {at} must be less than segmentCount {count}")
    segment = [each for n, each in enumerate(_index(request).listed()) if n % count == at]
    page, token = _page(segment, request, 1000)
    return {"vectors": list(_shown(page, request)), **token}


def _shown(records: Sequence[VectorRecord], request: Request) -> Iterator[dict[str, Any]]:
    for record in records:
        shown: dict[str, Any] = {"key": record.key}
        if request.get("returnData"):
            shown["data"] = {"float32": list(record.data)}
        if request.get("returnMetadata") and record.metadata:
            shown["metadata"] = dict(record.metadata)
        yield shown


def _delete(request: Request) -> dict[str, Any]:
    _index(request).delete(request["keys"])
    return {}


def _query(request: Request) -> dict[str, Any]:
    index = _index(request)
    vector = request["queryVector"]["float32"]
    found = index.query(vector, request["topK"], request.get("filter"))
    vectors = []
    for record, distance in found:
        shown = next(_shown([record], {"returnMetadata": request.get("returnMetadata")}))
        if request.get("returnDistance"):
            shown["distance"] = distance
        vectors.append(shown)
    return {"vectors": vectors, "distanceMetric": index.distance_metric}


# Pages and tags


def _page(
    found: Sequence[Any], request: Request, most: int
) -> tuple[Sequence[Any], dict[str, str]]:
    token = str(request.get("nextToken") or "0")
    if not TOKEN.fullmatch(token):
        raise invalid("The provided nextToken is invalid.")
    start = int(token)
    end = start + int(request.get("maxResults") or most)
    return found[start:end], {"nextToken": str(end)} if end < len(found) else {}


def _tags(method: str, arn: str, body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    owner: VectorBucket | IndexOfVectors | None = INDICES.get(arn) or next(
        (each for each in BUCKETS.values() if each.arn == arn), None
    )
    if owner is None:
        raise ServiceError(
            404, "NotFoundException", f"The specified resource does not exist: {arn}"
        )
    if method == "GET":
        return {"tags": owner.tags}
    if method == "POST":
        owner.tags.update(_checked("TagResource", {**_object(body), "resourceArn": arn})["tags"])
    else:
        for name in query.get("tagKeys", []):
            owner.tags.pop(name, None)
    return {}


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "CreateVectorBucket": _create_bucket,
    "GetVectorBucket": _get_bucket,
    "ListVectorBuckets": _list_buckets,
    "DeleteVectorBucket": _delete_bucket,
    "PutVectorBucketPolicy": _put_policy,
    "GetVectorBucketPolicy": _get_policy,
    "DeleteVectorBucketPolicy": _delete_policy,
    "CreateIndex": _create_index,
    "GetIndex": _get_index,
    "ListIndexes": _list_indices,
    "DeleteIndex": _delete_index,
    "PutVectors": _put,
    "GetVectors": _get,
    "ListVectors": _list,
    "DeleteVectors": _delete,
    "QueryVectors": _query,
}
