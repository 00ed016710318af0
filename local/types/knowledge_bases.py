"""AWS::Bedrock::KnowledgeBase and DataSource: MiniStack's records, checked against their store.

Bedrock looks at the vector store when a knowledge base is created, and refuses it when the index is
missing, has another dimension, or does not let the knowledge base's role in
(https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html). A data source
whose deletion policy is DELETE empties the store as it goes, and fails when the store went first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.stores.data_access import AccessDeniedError, check_access, check_network
from local.stores.opening import open_store
from local.stores.store import Store, StoreError
from local.types.handlers import Outcome, Properties, add, required
from local.types.service_calls import answered, body, replaces
from local.types.worker_threads import run_on_worker_thread

KNOWLEDGE_BASE = "AWS::Bedrock::KnowledgeBase"
DATA_SOURCE = "AWS::Bedrock::DataSource"
KNOWLEDGE_BASE_CREATE_ONLY = (
    "StorageConfiguration",
    "KnowledgeBaseConfiguration/Type",
    "KnowledgeBaseConfiguration/VectorKnowledgeBaseConfiguration",
)
DATA_SOURCE_CREATE_ONLY = (
    "KnowledgeBaseId",
    "VectorIngestionConfiguration/ChunkingConfiguration",
    "VectorIngestionConfiguration/ParsingConfiguration",
    "DataSourceConfiguration/Type",
)
# Where the configuration names no dimension, the model's own holds
# (https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-supported.html).
MODEL_DIMENSIONS = {
    "amazon.titan-embed-text-v2:0": 1024,
    "amazon.titan-embed-text-v1": 1536,
    "cohere.embed-english-v3": 1024,
    "cohere.embed-multilingual-v3": 1024,
}
READ, WRITE = "aoss:ReadDocument", "aoss:WriteDocument"
TOKENS: dict[str, str] = {}  # of requests, and what they made
RUNNING = ("STARTING", "IN_PROGRESS", "STOPPING")


def register() -> None:
    """Add both types; opening a store may start an engine, so both run beside the event loop."""
    add(
        KNOWLEDGE_BASE,
        create=_create_knowledge_base,
        update=_update_knowledge_base,
        delete=_delete_knowledge_base,
    )
    add(
        DATA_SOURCE,
        create=_create_data_source,
        update=_update_data_source,
        delete=_delete_data_source,
    )
    run_on_worker_thread(KNOWLEDGE_BASE, DATA_SOURCE)
    _check_creations()


def _check_creations() -> None:
    """CreateKnowledgeBase looks at the store first, whoever calls it, and makes one per token."""
    from ministack.services import bedrock_agent

    stock = bedrock_agent._create_kb

    def create(request: bytes) -> Any:
        asked = json.loads(request or b"{}")
        token = asked.get("clientToken")
        known = bedrock_agent._knowledge_bases.get(TOKENS.get(token, ""))
        if known is not None:
            return bedrock_agent._json({"KnowledgeBase": known}, status=202)
        refusal = _refusal(asked)
        if refusal is None:
            made = stock(request)
            if token:
                TOKENS[token] = answered(made)["knowledgeBase"]["knowledgeBaseId"]
            return made
        status, name, message = refusal
        return bedrock_agent._error(name, message, status)

    bedrock_agent._create_kb = create


def _refusal(request: Mapping[str, Any]) -> tuple[int, str, str] | None:
    """Status, error and message; None when nothing is wrong."""
    from ministack.services import bedrock_agent

    name = request.get("name")
    if any(each["Name"] == name for each in bedrock_agent._knowledge_bases.values()):
        return 409, "ConflictException", f"KnowledgeBase with name {name} already exists."
    try:
        _check_storage(request)
    except (StoreError, AccessDeniedError) as refusal:
        message = f"The knowledge base storage configuration provided is invalid... {refusal}"
        return 400, "ValidationException", message
    return None


def _create_knowledge_base(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock_agent

    for name in ("Name", "RoleArn", "KnowledgeBaseConfiguration"):
        required(properties, name)
    made = answered(bedrock_agent._create_kb(body(properties)))["knowledgeBase"]
    return made["knowledgeBaseId"], _knowledge_base_attributes(made)


def _knowledge_base_attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "KnowledgeBaseId": record["knowledgeBaseId"],
        "KnowledgeBaseArn": record["knowledgeBaseArn"],
        "Status": record["status"],
        "CreatedAt": record["createdAt"],
        "UpdatedAt": record["updatedAt"],
    }


def _check_storage(request: Mapping[str, Any]) -> None:
    """Raises StoreError and AccessDeniedError."""
    configuration = request.get("knowledgeBaseConfiguration", {})
    if configuration.get("type") != "VECTOR":
        return
    storage = request.get("storageConfiguration", {})
    _check_role_access(str(request.get("roleArn")), storage)
    dimension = _dimension(configuration["vectorKnowledgeBaseConfiguration"])
    store = open_store(storage, dimension=dimension or 1024)
    try:
        _check_dimension(dimension, store)
    finally:
        store.close()


def _check_role_access(role: str, storage: Mapping[str, Any]) -> None:
    """What the role may do in the collection decides, not who deploys."""
    from ministack.services import opensearchserverless

    if storage.get("type") != "OPENSEARCH_SERVERLESS":
        return
    named = storage["opensearchServerlessConfiguration"]
    identifier = str(named["collectionArn"]).rpartition("/")[2]
    collection = opensearchserverless._collections.get(identifier)
    if collection is None:
        raise StoreError(f"Request failed: 404, collection {named['collectionArn']} is not found")
    check_network(collection["name"])
    for permission in (READ, WRITE):
        check_access(role, permission, f"index/{collection['name']}/{named['vectorIndexName']}")


def _dimension(configuration: Mapping[str, Any]) -> int | None:
    """Of the embedding model's vectors; None for a model that we do not know."""
    model = str(configuration["embeddingModelArn"]).rpartition("/")[2]
    own = configuration.get("embeddingModelConfiguration", {})
    named = own.get("bedrockEmbeddingModelConfiguration", {}).get("dimensions")
    return int(named) if named else MODEL_DIMENSIONS.get(model)


def _check_dimension(dimension: int | None, store: Store) -> None:
    if dimension is not None and dimension != store.dimension:
        raise StoreError(
            f"Query vector has invalid dimension: {dimension}. Dimension should be: "
            f"{store.dimension}"
        )


def _update_knowledge_base(
    identifier: str, old: Properties, new: Properties, stack: str
) -> Outcome:
    from ministack.services import bedrock_agent

    if replaces(old, new, KNOWLEDGE_BASE_CREATE_ONLY):
        return _create_knowledge_base("", new, stack)
    updated = answered(bedrock_agent._update_kb(identifier, body(new)))["knowledgeBase"]
    return identifier, _knowledge_base_attributes(updated)


def _delete_knowledge_base(identifier: str, _properties: Properties) -> None:
    from ministack.services import bedrock_agent

    bedrock_agent._knowledge_bases.pop(identifier, None)


# Data sources; known as `KNOWLEDGE_BASE|DATA_SOURCE`.


def _create_data_source(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock_agent

    knowledge_base = str(required(properties, "KnowledgeBaseId"))
    name = required(properties, "Name")
    if any(
        each["KnowledgeBaseId"] == knowledge_base and each["Name"] == name
        for each in bedrock_agent._data_sources.values()
    ):
        raise ValueError(
            f"DataSource with name {name} already exists. (Service: BedrockAgent, Status Code: "
            "409, ConflictException)"
        )
    request = {"DataDeletionPolicy": "DELETE", **properties}
    made = answered(bedrock_agent._create_ds(knowledge_base, body(request)))["dataSource"]
    return f"{knowledge_base}|{made['dataSourceId']}", _data_source_attributes(made)


def _data_source_attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "DataSourceId": record["dataSourceId"],
        "DataSourceStatus": record["status"],
        "CreatedAt": record["createdAt"],
        "UpdatedAt": record["updatedAt"],
    }


def _update_data_source(identifier: str, old: Properties, new: Properties, stack: str) -> Outcome:
    from ministack.services import bedrock_agent

    if replaces(old, new, DATA_SOURCE_CREATE_ONLY):
        return _create_data_source("", new, stack)
    knowledge_base, _, data_source = identifier.partition("|")
    request = {"DataDeletionPolicy": "DELETE", **new}
    answer = answered(bedrock_agent._update_ds(knowledge_base, data_source, body(request)))
    return identifier, _data_source_attributes(answer["dataSource"])


def _delete_data_source(identifier: str, _properties: Properties) -> None:
    from ministack.services import bedrock_agent

    knowledge_base, _, data_source = identifier.partition("|")
    key = f"{knowledge_base}/{data_source}"
    record = bedrock_agent._data_sources.get(key)
    if record is None:
        return
    for job, each in bedrock_agent._ingestion_jobs.items():
        if job.startswith(f"{key}/") and each["Status"] in RUNNING:
            raise ValueError(
                f"There is an ongoing ingestion job {each['IngestionJobId']} for data source "
                f"{data_source}. (Service: BedrockAgent, Status Code: 409, ConflictException)"
            )
    owner = bedrock_agent._knowledge_bases.get(knowledge_base)
    if owner is not None and record["DataDeletionPolicy"] == "DELETE":
        _empty_store(owner, data_source)
    answered(bedrock_agent._delete_ds(knowledge_base, data_source))


def _empty_store(owner: Mapping[str, Any], data_source: str) -> None:
    try:
        store = open_store(owner["StorageConfiguration"])
        store.delete_data_source(data_source)
        store.close()
    except StoreError as refusal:
        raise ValueError(
            f"Unable to delete data from vector store for data source with ID {data_source}. "
            "Check your vector store configurations and permissions and retry your request. If "
            "the issue persists, consider updating the dataDeletionPolicy of the data source to "
            f"RETAIN and retry your request. ({refusal})"
        ) from None
