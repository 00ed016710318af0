"""Custom::SearchIndex: an index of an OpenSearch domain, and a role of OpenSearch's own for it.

CloudFormation has no type for either. The function's role is the domain's master user, and gives
the knowledge base's role what it needs at this one index
(https://docs.aws.amazon.com/bedrock/latest/userguide/kb-osm-permissions-console-fgap.html).
"""

from __future__ import annotations

import json

from vector_store.custom_resource import RefusedError
from vector_store.search_client import SearchClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from vector_store.custom_resource import Deadline, Outcome, Properties

SECURITY = "/_plugins/_security/api"
CLUSTER_ACTIONS = (
    "indices:data/read/mget*",
    "indices:data/read/msearch",
    "indices:data/write/bulk*",
)
INDEX_ACTIONS = (
    "indices:admin/get",
    "indices:admin/mapping/put",
    "indices:data/read/mget*",
    "indices:data/read/msearch*",
    "indices:data/read/search",
    "indices:data/write/bulk*",
    "indices:data/write/delete",
    "indices:data/write/delete/byquery",
    "indices:data/write/index",
    "indices:data/write/update",
)
NOT_YET = (401, 403, 429, 500, 502, 503, 504)
"""A domain answers like this while it starts, and while permissions spread."""


def create(properties: Properties, deadline: Deadline) -> Outcome:
    """Role, its mapping, then the index, each of which may be there already."""
    client = SearchClient(str(properties["Endpoint"]), service="es")
    index = str(properties["IndexName"])
    role = {
        "cluster_permissions": list(CLUSTER_ACTIONS),
        "index_permissions": [{"index_patterns": [index], "allowed_actions": list(INDEX_ACTIONS)}],
    }
    _until(client, deadline, "PUT", f"{SECURITY}/roles/{index}", role, good=(200, 201))
    mapping = {"backend_roles": [properties["RoleArn"]]}
    _until(client, deadline, "PUT", f"{SECURITY}/rolesmapping/{index}", mapping, good=(200, 201))
    body = json.loads(str(properties["Body"]))
    said = _until(client, deadline, "PUT", f"/{index}", body, good=(200, 201, 400))
    if "error" in said and "resource_already_exists" not in json.dumps(said):
        raise RefusedError(f"OpenSearch refuses the index {index}: {json.dumps(said)[:600]}")
    return index, {}


def update(_identifier: str, properties: Properties, deadline: Deadline) -> Outcome:
    """An index with another mapping has another name, so it is made beside the old one."""
    return create(properties, deadline)


def delete(identifier: str, properties: Properties, deadline: Deadline) -> None:
    """Whatever is gone already is fine; the domain may be on its way too."""
    if properties.get("Retain") == "true":
        return
    client = SearchClient(str(properties["Endpoint"]), service="es")
    for path in (
        f"/{identifier}",
        f"{SECURITY}/rolesmapping/{identifier}",
        f"{SECURITY}/roles/{identifier}",
    ):
        _until(client, deadline, "DELETE", path, None, good=(200, 404))


def _until(
    client: SearchClient,
    deadline: Deadline,
    method: str,
    path: str,
    body: object,
    *,
    good: Collection[int],
) -> dict[str, Any]:
    attempt = 0
    while True:
        try:
            status, said = client.request(method, path, body)
        except OSError as error:
            status, said = 503, str(error)
        if status in good:
            return said if isinstance(said, dict) else {}
        if status not in NOT_YET or not deadline.pause(attempt):
            raise RefusedError(
                f"{method} {path}: the domain answers {status}: {str(said)[:400]}. Deploy again; "
                "if it stays like this, look at the domain's access policy and master user."
            )
        attempt += 1
