"""AWS::Logs::DeliverySource, DeliveryDestination and Delivery: MiniStack's records, by its own API.

What a service logs about itself would go this way; the local services log nothing of the kind.
"""

from __future__ import annotations

import json
from typing import Any

from local.types.handlers import Outcome, Properties, add, required
from local.types.service_calls import camel, replaces

PREFIX = "AWS::Logs::Delivery"
CREATE_ONLY = ("DeliverySourceName", "DeliveryDestinationArn")


def register() -> None:
    """Add the types."""
    add(f"{PREFIX}Source", create=_put_source, update=_update_source, delete=_delete_source)
    add(
        f"{PREFIX}Destination",
        create=_put_destination,
        update=_update_destination,
        delete=_delete_destination,
    )
    add(PREFIX, create=_create, update=_update, delete=_delete)


def _called(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    from ministack.services import cloudwatch_logs

    status, _, content = getattr(cloudwatch_logs, operation)(request)
    answer: dict[str, Any] = json.loads(content or b"{}")
    if status >= 300:
        raise ValueError(f"{answer.get('message', answer)} (Service: CloudWatchLogs)")
    return answer


def _request(properties: Properties) -> dict[str, Any]:
    return dict(camel({name: each for name, each in properties.items() if name != "Tags"}))


def _put_source(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    required(properties, "Name")
    made = _called("_put_delivery_source", _request(properties))["deliverySource"]
    return made["name"], {"Arn": made["arn"], "Service": made["service"]}


def _update_source(name: str, old: Properties, new: Properties, stack: str) -> Outcome:
    made = _put_source("", new, stack)
    if made[0] != name:
        _delete_source(name, old)
    return made


def _delete_source(name: str, _properties: Properties) -> None:
    _called("_delete_delivery_source", {"name": name})


def _put_destination(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    required(properties, "Name")
    request = _request(properties)
    arn = request.pop("destinationResourceArn", None)
    request["deliveryDestinationConfiguration"] = {"destinationResourceArn": arn}
    made = _called("_put_delivery_destination", request)["deliveryDestination"]
    return made["name"], {"Arn": made["arn"]}


def _update_destination(name: str, old: Properties, new: Properties, stack: str) -> Outcome:
    made = _put_destination("", new, stack)
    if made[0] != name:
        _delete_destination(name, old)
    return made


def _delete_destination(name: str, _properties: Properties) -> None:
    _called("_delete_delivery_destination", {"name": name})


def _create(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    made = _called("_create_delivery", _request(properties))["delivery"]
    return made["id"], {"DeliveryId": made["id"], "Arn": made["arn"]}


def _update(identifier: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if not replaces(old, new, CREATE_ONLY):
        return identifier, {"DeliveryId": identifier}
    made = _create("", new, stack)
    _delete(identifier, old)
    return made


def _delete(identifier: str, _properties: Properties) -> None:
    _called("_delete_delivery", {"id": identifier})
