"""AWS::OpenSearchServerless: groups, collections, policies and endpoints; endpoints of domains.

MiniStack checks policies and collections as its API does. Data access policies are enforced where
a knowledge base depends on them: whoever creates an index (`local.types.search_indices`), and the
role of the knowledge base, must be named.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.stores import open_search, search_door
from local.types.handlers import Outcome, Properties, add, required, table
from local.types.service_calls import camel, replaces

PREFIX = "AWS::OpenSearchServerless"
COLLECTION_CREATE_ONLY = (
    "Name",
    "Tags",
    "Type",
    "StandbyReplicas",
    "CollectionGroupName",
    "EncryptionConfig",
)
GROUP_CREATE_ONLY = ("Name", "StandbyReplicas", "Generation")
ENDPOINT_CREATE_ONLY = ("Name", "VpcId")
# Once they are set; as the type's schema and its page say.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-opensearchservice-domain-encryptionatrestoptions.html
DOMAIN_CREATE_ONLY = ("EncryptionAtRestOptions/Enabled", "EncryptionAtRestOptions/KmsKeyId")

GROUPS: dict[str, dict[str, Any]] = {}
ENDPOINTS: dict[str, dict[str, Any]] = {}


def register() -> None:
    """Add the types."""
    for kind in ("Security", "Access"):
        policy = _Policy(kind.lower())
        add(
            f"{PREFIX}::{kind}Policy",
            create=policy.create,
            update=policy.update,
            delete=policy.delete,
        )
    add(f"{PREFIX}::LifecyclePolicy", create=_name_only, update=_renamed, delete=_nothing)
    add(
        f"{PREFIX}::CollectionGroup",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
    )
    add(
        f"{PREFIX}::Collection",
        create=_create_collection,
        update=_update_collection,
        delete=_delete_collection,
    )
    add(
        f"{PREFIX}::VpcEndpoint",
        create=_create_endpoint,
        update=_update_endpoint,
        delete=_delete_endpoint,
    )
    _extend_domains()


def _extend_domains() -> None:
    """Domains answer on a path of this engine, take their indices with them, and keep their key."""
    handlers = table()["AWS::OpenSearchService::Domain"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def created(*arguments: Any) -> Outcome:
        return _answering(create(*arguments))

    def updated(name: str, old: Properties, new: Properties, *rest: Any) -> Outcome:
        keyed = "EncryptionAtRestOptions" in old and replaces(old, new, DOMAIN_CREATE_ONLY)
        if keyed and new.get("DomainName") == name:
            raise ValueError(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {name} and update the stack again."
            )
        return _answering(update(name, old, new, *rest))

    def deleted(name: str, properties: Properties) -> None:
        from ministack.services import opensearch

        record = opensearch._domains.get(name)
        delete(name, properties)
        if record:
            open_search.delete_owner(record["ARN"])

    handlers.update(create=created, update=updated, delete=deleted)


def _answering(outcome: Outcome) -> Outcome:
    name, attributes = outcome
    return name, {**attributes, "DomainEndpoint": search_door.domain_endpoint(name)}


def _service(call: Callable[[dict[str, Any]], Any], request: dict[str, Any]) -> dict[str, Any]:
    """MiniStack's own operation; what it refuses, CloudFormation shows."""
    from ministack.services import opensearchserverless

    try:
        _, _, content = call(request)
    except opensearchserverless._Invalid as refusal:
        raise ValueError(f"{refusal.message} ({refusal.code})") from None
    answer: dict[str, Any] = json.loads(content)
    return answer


class _Policy:
    """A policy is known by its type and name."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def _call(self, verb: str, request: dict[str, Any]) -> dict[str, Any]:
        from ministack.services import opensearchserverless

        operation = getattr(opensearchserverless, f"_{verb}_{self._kind}_policy")
        return _service(operation, request)

    def create(self, _logical_id: str, properties: Properties, _stack: str) -> Outcome:
        name = str(required(properties, "Name"))
        self._call("create", _policy_request(properties))
        return name, {}

    def update(self, name: str, old: Properties, new: Properties, stack: str) -> Outcome:
        if replaces(old, new, ("Name", "Type")):
            made = self.create("", new, stack)
            self.delete(name, old)
            return made
        request = _policy_request(new)
        known = self._call("get", {"name": name, "type": request["type"]})
        version = known[f"{self._kind}PolicyDetail"]["policyVersion"]
        self._call("update", {**request, "policyVersion": version})
        return name, {}

    def delete(self, name: str, properties: Properties) -> None:
        from ministack.services import opensearchserverless

        held = getattr(opensearchserverless, f"_{self._kind}_policies")
        held.pop(f"{properties['Type']}/{name}", None)


def _policy_request(properties: Properties) -> dict[str, Any]:
    policy = required(properties, "Policy")
    return {
        "name": properties["Name"],
        "type": required(properties, "Type"),
        "policy": policy if isinstance(policy, str) else json.dumps(policy),
        "description": properties.get("Description", ""),
    }


def _name_only(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    return str(required(properties, "Name")), {}


def _renamed(_name: str, _old: Properties, new: Properties, stack: str) -> Outcome:
    return _name_only("", new, stack)


def _nothing(_name: str, _properties: Properties) -> None:
    return


# Groups


def _create_group(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.core.responses import get_account_id, get_region

    name = str(required(properties, "Name"))
    required(properties, "StandbyReplicas")
    if any(group["Name"] == name for group in GROUPS.values()):
        raise ValueError(f"A collection group with name {name} already exists (ConflictException)")
    identifier = uuid.uuid4().hex[:20]
    arn = f"arn:aws:aoss:{get_region()}:{get_account_id()}:collection-group/{identifier}"
    GROUPS[identifier] = {**properties, "Arn": arn}
    return identifier, {"Id": identifier, "Arn": arn}


def _update_group(identifier: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if replaces(old, new, GROUP_CREATE_ONLY):
        return _create_group("", new, stack)
    arn = GROUPS[identifier]["Arn"]
    GROUPS[identifier] = {**new, "Arn": arn}
    return identifier, {"Id": identifier, "Arn": arn}


def _delete_group(identifier: str, properties: Properties) -> None:
    from ministack.services import opensearchserverless

    held = [
        record["name"]
        for record in opensearchserverless._collections.values()
        if record.get("collectionGroupName") == properties["Name"]
    ]
    if held:
        raise ValueError(
            f"Collection group {properties['Name']} still has collections: {', '.join(held)} "
            "(ConflictException)"
        )
    GROUPS.pop(identifier, None)


# Collections


def _create_collection(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import opensearchserverless

    required(properties, "Name")
    request = camel(properties)
    group = request.pop("collectionGroupName", None)
    if group is not None:
        _check_group(group, properties)
    answer = _service(opensearchserverless._create_collection, request)
    record = opensearchserverless._collections[answer["createCollectionDetail"]["id"]]
    record["status"] = "ACTIVE"
    record["collectionEndpoint"] = search_door.collection_endpoint(record["id"])
    record["dashboardEndpoint"] = f"{record['collectionEndpoint']}/_dashboards"
    if group is not None:
        record["collectionGroupName"] = group
    return record["id"], _collection_attributes(record)


def _check_group(name: str, properties: Properties) -> None:
    group = next((each for each in GROUPS.values() if each["Name"] == name), None)
    if group is None:
        raise ValueError(f"Collection group {name} is not found (ResourceNotFoundException)")
    standby = properties.get("StandbyReplicas", group["StandbyReplicas"])
    if standby != group["StandbyReplicas"]:
        raise ValueError(
            f"StandbyReplicas of the collection is {standby}, of its group {name} "
            f"{group['StandbyReplicas']}; they must be the same (ValidationException)"
        )


def _collection_attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Id": record["id"],
        "Arn": record["arn"],
        "CollectionEndpoint": record["collectionEndpoint"],
        "DashboardEndpoint": record["dashboardEndpoint"],
        "KmsKeyArn": record["kmsKeyArn"],
    }


def _update_collection(identifier: str, old: Properties, new: Properties, stack: str) -> Outcome:
    from ministack.services import opensearchserverless

    if replaces(old, new, COLLECTION_CREATE_ONLY):
        return _create_collection("", new, stack)
    wanted = camel(
        {each: new[each] for each in ("Description", "DeletionProtection") if each in new}
    )
    _service(opensearchserverless._update_collection, {"id": identifier, **wanted})
    return identifier, _collection_attributes(opensearchserverless._collections[identifier])


def _delete_collection(identifier: str, _properties: Properties) -> None:
    from ministack.services import opensearchserverless

    if identifier in opensearchserverless._collections:
        _service(opensearchserverless._delete_collection, {"id": identifier})
    open_search.delete_owner(identifier)


# VPC endpoints


def _create_endpoint(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    vpc = required(properties, "VpcId")
    required(properties, "SubnetIds")
    if any(each["VpcId"] == vpc for each in ENDPOINTS.values()):
        raise ValueError(
            f"OpenSearch Serverless endpoint already exists in VPC {vpc}: an endpoint serves all "
            "collections, so make one and name its id (ConflictException)"
        )
    identifier = f"vpce-{uuid.uuid4().hex[:17]}"
    ENDPOINTS[identifier] = dict(properties)
    return identifier, {"Id": identifier}


def _update_endpoint(identifier: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if replaces(old, new, ENDPOINT_CREATE_ONLY):
        return _create_endpoint("", new, stack)
    ENDPOINTS[identifier] = dict(new)
    return identifier, {"Id": identifier}


def _delete_endpoint(identifier: str, _properties: Properties) -> None:
    ENDPOINTS.pop(identifier, None)
