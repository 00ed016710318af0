"""Which role deploys a stack: services ask it for permission, so its name has to be known.

MiniStack takes the RoleARN of a request and forgets it. The CDK CLI always passes one, the
bootstrap stack's execution role.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ACTIONS = ("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack")
ROLES: dict[str, str] = {}


def register() -> None:
    """Remember the role of every request that names one."""
    from ministack.services.cloudformation import handlers

    for action in ACTIONS:
        handlers._ACTION_HANDLERS[action] = _remembering(handlers._ACTION_HANDLERS[action])


def _remembering(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def handle(params: Any) -> Any:
        name, role = (_first(params, each) for each in ("StackName", "RoleARN"))
        if name and role:
            ROLES[_plain(name)] = role
        return stock(params)

    return handle


def _first(params: Any, name: str) -> str:
    values = params.get(name) or [""]
    return str(values[0])


def _plain(stack: str) -> str:
    """A stack's name, of its name or ARN."""
    return stack.split("/")[1] if stack.startswith("arn:") else stack


def deploying_role(stack: str) -> str | None:
    """The role's ARN; None when the caller deploys with its own permissions."""
    return ROLES.get(_plain(stack))
