"""AWS::ElastiCache::ServerlessCache and ReplicationGroup: a Valkey that answers, with its users.

MiniStack keeps the records and starts containers where it can; here every cache is a Valkey of
`local.stores.valkey_servers`, behind TLS where the cache has it. A user's access string is
enforced. An IAM token is taken for a password and not looked into.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.stores import valkey_servers
from local.stores.processes import HOST
from local.stores.store import StoreError
from local.types.handlers import Outcome, Properties, add, required, table, true
from local.types.service_calls import replaces
from local.types.worker_threads import run_on_worker_thread

SERVERLESS = "AWS::ElastiCache::ServerlessCache"
GROUP = "AWS::ElastiCache::ReplicationGroup"
SERVERLESS_CREATE_ONLY = (
    "ServerlessCacheName",
    "KmsKeyId",
    "SnapshotArnsToRestore",
    "SubnetIds",
    "NetworkType",
    "ConnectionType",
)


def register() -> None:
    """Add the one, extend the other."""
    add(SERVERLESS, create=_create_serverless, update=_update_serverless, delete=_delete_serverless)
    handlers = table()[GROUP]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def created(logical_id: str, properties: Properties, stack: str) -> Outcome:
        identifier, attributes = create(logical_id, properties, stack)
        return identifier, {**attributes, **_group_endpoints(identifier, properties)}

    def updated(
        identifier: str, old: Properties, new: Properties, stack: str, *rest: Any
    ) -> Outcome:
        found, attributes = update(identifier, old, new, stack, *rest)
        return found, {**attributes, **_group_endpoints(found, new)}

    def deleted(identifier: str, properties: Properties) -> None:
        delete(identifier, properties)
        valkey_servers.forget(identifier)

    handlers.update(create=created, update=updated, delete=deleted)
    run_on_worker_thread(SERVERLESS, GROUP)


def _answering(name: str, *, encrypted: bool, user_groups: Sequence[str]) -> dict[str, Any]:
    """The endpoint of a cache's server, with its users as deployed."""
    try:
        server = valkey_servers.running(name)
        server.admit(list(_users(user_groups)))
        port = server.encrypted_port() if encrypted else server.port
    except StoreError as refusal:
        raise ValueError(str(refusal)) from None
    return {"Address": HOST, "Port": port}


def _users(groups: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names and access strings of the users in user groups."""
    from ministack.services import elasticache

    for group in groups:
        for identifier in elasticache._user_groups.get(group, {}).get("UserIds", []):
            user = elasticache._users.get(identifier)
            if user is not None:
                yield user["UserName"], user["AccessString"]


def _group_endpoints(identifier: str, properties: Properties) -> dict[str, str]:
    from ministack.services import elasticache

    endpoint = _answering(
        identifier,
        encrypted=true(properties.get("TransitEncryptionEnabled", False)),
        user_groups=properties.get("UserGroupIds", []),
    )
    record = elasticache._replication_groups[identifier]
    names = ["PrimaryEndPoint", "ReaderEndPoint"]
    if record.get("ConfigurationEndpoint"):
        names = ["ConfigurationEndPoint"]
        record["ConfigurationEndpoint"] = dict(endpoint)
    for node_group in record.get("NodeGroups", []):
        node_group.update(PrimaryEndpoint=dict(endpoint), ReaderEndpoint=dict(endpoint))
    return _attributes(endpoint, *names)


def _attributes(endpoint: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {f"{name}.{member}": str(value) for name in names for member, value in endpoint.items()}


def _create_serverless(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import elasticache
    from ministack.services.cloudformation import provisioners

    name = str(required(properties, "ServerlessCacheName")).lower()
    required(properties, "Engine")
    query = provisioners._ec_query(
        {each: properties[each] for each in properties if each != "Tags"}
    )
    provisioners._ec_call(elasticache._create_serverless_cache, query, SERVERLESS, "create")
    return name, _serverless_attributes(name, properties)


def _serverless_attributes(name: str, properties: Properties) -> dict[str, Any]:
    from ministack.services import elasticache

    record = elasticache._serverless_caches[name]
    group = properties.get("UserGroupId")
    endpoint = _answering(name, encrypted=True, user_groups=[group] if group else [])
    record.update(Endpoint=dict(endpoint), ReaderEndpoint=dict(endpoint), Status="available")
    return {
        "ARN": record["ARN"],
        "Status": record["Status"],
        "FullEngineVersion": record["FullEngineVersion"],
        **_attributes(endpoint, "Endpoint", "ReaderEndpoint"),
    }


def _update_serverless(name: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if replaces(old, new, SERVERLESS_CREATE_ONLY):
        return _create_serverless("", new, stack)
    return name, _serverless_attributes(name, new)


def _delete_serverless(name: str, _properties: Properties) -> None:
    from ministack.services import elasticache

    elasticache._serverless_caches.pop(name, None)
    valkey_servers.forget(name)
