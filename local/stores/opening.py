"""From a knowledge base's storage configuration to the open store.

The configuration is the Bedrock API's, in its spelling
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_StorageConfiguration.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.stores import aurora_store, open_search, pinecone, redis_store, s3_vectors_store
from local.stores.store import Store, StoreError

Configuration = Mapping[str, Any]
# The member of the configuration, and what opens it; the dimension is for stores outside AWS.
Opener = tuple[str, Callable[[Configuration, int], Store]]


def open_store(storage_configuration: Configuration, *, dimension: int = 1024) -> Store:
    """The vector store that a knowledge base uses; call it from a thread, it may start an engine.

    A store outside AWS, which no deployment makes, is made up with `dimension` when it is first
    named. Raises StoreError when what the configuration names does not exist or does not fit.
    """
    kind = str(storage_configuration.get("type", ""))
    if kind not in OPENERS:
        raise StoreError(
            f"storage type {kind or 'missing'} is not played locally; one of {', '.join(OPENERS)}"
        )
    member, opener = OPENERS[kind]
    if member not in storage_configuration:
        raise StoreError(f"storageConfiguration of type {kind} needs {member}")
    return opener(storage_configuration[member], dimension)


def _search_collection(configuration: Configuration, _dimension: int) -> Store:
    collection = str(configuration["collectionArn"]).rpartition("/")[2]
    return open_search.open_index(
        collection, configuration["vectorIndexName"], configuration["fieldMapping"]
    )


def _search_domain(configuration: Configuration, _dimension: int) -> Store:
    return open_search.open_index(
        str(configuration["domainArn"]),
        configuration["vectorIndexName"],
        configuration["fieldMapping"],
    )


OPENERS: dict[str, Opener] = {
    "OPENSEARCH_SERVERLESS": ("opensearchServerlessConfiguration", _search_collection),
    "OPENSEARCH_MANAGED_CLUSTER": ("opensearchManagedClusterConfiguration", _search_domain),
    "RDS": ("rdsConfiguration", lambda named, _: aurora_store.AuroraStore(named)),
    "S3_VECTORS": ("s3VectorsConfiguration", lambda named, _: s3_vectors_store.open_index(named)),
    "PINECONE": (
        "pineconeConfiguration",
        lambda named, dimension: pinecone.open_index(named, dimension=dimension),
    ),
    "REDIS_ENTERPRISE_CLOUD": (
        "redisEnterpriseCloudConfiguration",
        lambda named, dimension: redis_store.RedisStore(named, dimension=dimension),
    ),
}
