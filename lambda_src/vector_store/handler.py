"""The function that CloudFormation invokes for custom resources of vector stores."""

from __future__ import annotations

import importlib

from edge import json_log
from vector_store.custom_resource import NEVER_CREATED, answer, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vector_store.custom_resource import Deadline, Outcome

RESOURCES = {
    "Custom::IndexAdmitted": "index_admitted",
    "Custom::PostgresSchema": "postgres_schema",
    "Custom::RedisKnowledgeBase": "redis_knowledge_base",
    "Custom::SearchIndex": "search_index",
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Create, update or delete one resource."""

    def work(deadline: Deadline) -> Outcome:
        module = importlib.import_module(f"vector_store.{RESOURCES[event['ResourceType']]}")
        properties = {**event["ResourceProperties"], "RequestId": event["RequestId"]}
        kind = event["RequestType"]
        identifier = str(event.get("PhysicalResourceId", NEVER_CREATED))
        if kind == "Create":
            made: Outcome = module.create(properties, deadline)
            return made
        if kind == "Update":
            changed: Outcome = module.update(identifier, properties, deadline)
            return changed
        if identifier != NEVER_CREATED:
            module.delete(identifier, properties, deadline)
        return identifier, {}

    said = answer(event, work, seconds=context.get_remaining_time_in_millis() / 1000)
    json_log.write(
        "custom resource",
        request=event["RequestType"],
        resource=event["LogicalResourceId"],
        status=said["Status"],
        reason=said.get("Reason", ""),
    )
    send(event["ResponseURL"], said)
    return said
