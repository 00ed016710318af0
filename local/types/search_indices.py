"""AWS::OpenSearchServerless::Index: a faiss index of `local.stores.open_search`.

Whoever creates one must be named by a data access policy, as
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html
says. A policy takes effect at once here, in AWS within minutes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from local.stores import open_search
from local.stores.data_access import AccessDeniedError, check_access
from local.stores.store import StoreError
from local.types.deploying_roles import deploying_role
from local.types.handlers import Outcome, Properties, add, required, true
from local.types.service_calls import replaces

# The API's words where they are not the template's in lower camel case.
KEYWORDS = {"EfConstruction": "ef_construction", "EfSearch": "ef_search", "M": "m"}


def register() -> None:
    """Add the type."""
    add(
        "AWS::OpenSearchServerless::Index",
        create=_create_index,
        update=_update_index,
        delete=_delete_index,
    )


def _create_index(_logical_id: str, properties: Properties, stack: str) -> Outcome:
    collection = _collection_at(str(required(properties, "CollectionEndpoint")))
    name = str(required(properties, "IndexName"))
    _check_index_access(collection, name, "aoss:CreateIndex", stack)
    try:
        open_search.create_index(collection["id"], name, index_body(properties))
    except StoreError as refusal:
        raise ValueError(f"{refusal} (Service: AWSOpenSearchServerless)") from None
    return f"{name}|{properties['CollectionEndpoint']}", {"Uuid": uuid.uuid4().hex}


def _update_index(identifier: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if replaces(old, new, ("IndexName", "CollectionEndpoint", "Settings/Analysis")):
        return _create_index("", new, stack)
    collection = _collection_at(new["CollectionEndpoint"])
    _check_index_access(collection, new["IndexName"], "aoss:UpdateIndex", stack)
    if index_body(old)["mappings"] != index_body(new)["mappings"]:
        raise ValueError(
            "[illegal_argument_exception] the mapping of a field cannot be changed; make an index "
            "with another IndexName"
        )
    return identifier, {}


def _delete_index(_identifier: str, properties: Properties) -> None:
    collection = _find_collection(properties["CollectionEndpoint"])
    if collection is not None:
        open_search.delete_index(collection["id"], properties["IndexName"])


def _check_index_access(
    collection: Mapping[str, Any], name: str, permission: str, stack: str
) -> None:
    principal = deploying_role(stack)
    if principal is None:
        return
    try:
        check_access(principal, permission, f"index/{collection['name']}/{name}")
    except AccessDeniedError as refusal:
        raise ValueError(str(refusal)) from None


def _find_collection(endpoint: str) -> dict[str, Any] | None:
    from ministack.services import opensearchserverless

    found: dict[str, Any] | None = next(
        (
            record
            for record in opensearchserverless._collections.values()
            if record["collectionEndpoint"] == endpoint
        ),
        None,
    )
    return found


def _collection_at(endpoint: str) -> dict[str, Any]:
    found = _find_collection(endpoint)
    if found is None:
        raise ValueError(f"no collection has the endpoint {endpoint} (ResourceNotFoundException)")
    return found


def index_body(properties: Properties) -> dict[str, Any]:
    """The request of the template's properties in OpenSearch's own spelling.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-opensearchserverless-index.html
    """
    settings = properties.get("Settings", {}).get("Index", {})
    names = {
        "Knn": "knn",
        "KnnAlgoParamEfSearch": "knn.algo_param.ef_search",
        "RefreshInterval": "refresh_interval",
    }
    fields = properties.get("Mappings", {}).get("Properties", {})
    return {
        "settings": {"index": {names.get(name, name): each for name, each in settings.items()}},
        "mappings": {"properties": {name: _field(field) for name, field in fields.items()}},
    }


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    spelled: dict[str, Any] = {}
    for name, value in field.items():
        if name == "Method":
            spelled["method"] = _method(value)
        elif name == "Properties":
            spelled["properties"] = {each: _field(inner) for each, inner in value.items()}
        elif name == "Index":
            spelled["index"] = true(value)
        else:
            spelled[name.lower()] = value
    return spelled


def _method(method: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Name": "name", "Engine": "engine", "SpaceType": "space_type"}
    spelled = {names[each]: value for each, value in method.items() if each in names}
    parameters = method.get("Parameters", {})
    return {
        **spelled,
        "parameters": {KEYWORDS.get(each, each): value for each, value in parameters.items()},
    }
