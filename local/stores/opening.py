"""From a knowledge base's storage configuration to the open store.

The configuration is the Bedrock API's, in its spelling
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_StorageConfiguration.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.stores import aurora_store, open_search, s3_vectors_store
from local.stores.store import Store, StoreError


def open_store(storage_configuration: Mapping[str, Any]) -> Store:
    """The vector store that a knowledge base uses; call it from a thread, it may start an engine.

    Raises StoreError when what the configuration names does not exist or does not fit.
    """
    kind = str(storage_configuration.get("type", ""))
    if kind not in OPENERS:
        raise StoreError(
            f"storage type {kind or 'missing'} is not played locally; one of {', '.join(OPENERS)}"
        )
    member, opener = OPENERS[kind]
    if member not in storage_configuration:
        raise StoreError(f"storageConfiguration of type {kind} needs {member}")
    return opener(storage_configuration[member])


def _open_search_serverless(configuration: Mapping[str, Any]) -> Store:
    collection = str(configuration["collectionArn"]).rpartition("/")[2]
    return open_search.open_index(
        collection, configuration["vectorIndexName"], configuration["fieldMapping"]
    )


def _open_search_managed(configuration: Mapping[str, Any]) -> Store:
    return open_search.open_index(
        str(configuration["domainArn"]),
        configuration["vectorIndexName"],
        configuration["fieldMapping"],
    )


OPENERS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Store]]] = {
    "OPENSEARCH_SERVERLESS": ("opensearchServerlessConfiguration", _open_search_serverless),
    "OPENSEARCH_MANAGED_CLUSTER": ("opensearchManagedClusterConfiguration", _open_search_managed),
    "RDS": ("rdsConfiguration", aurora_store.AuroraStore),
    "S3_VECTORS": ("s3VectorsConfiguration", s3_vectors_store.open_index),
}
