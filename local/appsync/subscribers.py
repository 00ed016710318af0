"""Who is subscribed to what, and the pushes that a mutation sets off.

https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-invalidation.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from local.appsync.documents import Document, fields_of
from local.appsync.execution import Execution
from local.appsync.subscription_filters import matches, passes


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One start message that was acknowledged."""

    connection: str
    subscription_id: str
    field: str
    arguments: Mapping[str, Any]
    filter: Mapping[str, Any] | None
    invalidation: Mapping[str, Any] | None
    execution: Execution
    push: Callable[[Mapping[str, Any]], None]
    end: Callable[[], None]

    @property
    def api_id(self) -> str:
        """The API that it belongs to."""
        return self.execution.api.api_id


class Subscribers:
    """All subscriptions of all APIs; touched on the engine's loop only."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Subscription] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, subscription: Subscription) -> None:
        """From now on it is told."""
        self._all[subscription.connection, subscription.subscription_id] = subscription

    def remove(self, connection: str, subscription_id: str | None = None) -> bool:
        """One subscription of a connection, or all."""
        found = [
            key for key in self._all if key[0] == connection and subscription_id in (None, key[1])
        ]
        for key in found:
            del self._all[key]
        return bool(found)

    def publish(self, mutation: Execution, answer: Mapping[str, Any]) -> None:
        """Tell everybody whom the answer of a mutation concerns.

        Subscribers get what the mutation selected, nothing more; a field that failed tells nobody.
        """
        api = mutation.api
        for name, payload in payloads(mutation.document, answer.get("data") or {}):
            subscribed = api.schema.subscribed_to(name)
            pushes: dict[Any, Mapping[str, Any]] = {}
            for each in list(self._all.values()):
                if each.api_id == api.api_id and each.field in subscribed:
                    _tell(each, payload, pushes)
        for resolved in mutation.resolved:
            for invalidation in resolved.invalidations:
                self._invalidate(api.api_id, invalidation)

    def _invalidate(self, api_id: str, invalidation: Mapping[str, Any]) -> None:
        """`extensions.invalidateSubscriptions({subscriptionField, payload})`."""
        for each in list(self._all.values()):
            if (
                each.api_id == api_id
                and each.field == invalidation.get("subscriptionField")
                and each.invalidation is not None
                and passes(invalidation.get("payload") or {}, each.invalidation)
            ):
                each.end()


def _tell(
    subscription: Subscription, payload: Mapping[str, Any], pushes: dict[Any, Mapping[str, Any]]
) -> None:
    """Subscribers that asked with the same words as the same kind of caller share one push."""
    if not matches(payload, subscription.arguments, subscription.filter):
        return
    execution = subscription.execution
    asked, caller = execution.document, execution.caller
    key = (asked.text, asked.operation_name, repr(asked.variables), caller.mode, caller.groups)
    if key not in pushes:
        push = replace(execution, only_payload=True, resolved=[], appended=[])
        pushes[key] = push.run({subscription.field: payload})
    subscription.push(pushes[key])


def payloads(document: Document, data: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Each mutation field's answer under the schema's names, aliases undone."""
    found = []
    for node in fields_of(document.operation.selection_set, document):
        value = data.get(node.alias.value if node.alias else node.name.value)
        if isinstance(value, Mapping):
            found.append((node.name.value, _unaliased(document, [node], value)))
    return found


def _unaliased(document: Document, nodes: list[Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_unaliased(document, nodes, each) for each in value]
    if not isinstance(value, Mapping):
        return value
    result: dict[str, Any] = {}
    for node in nodes:
        for inner in fields_of(node.selection_set, document):
            key = inner.alias.value if inner.alias else inner.name.value
            if key in value:
                result[inner.name.value] = _unaliased(document, [inner], value[key])
    return result
