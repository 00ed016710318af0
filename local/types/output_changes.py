"""A change set that changes outputs alone can be executed, as in CloudFormation.

A stack that begins to use something of another one changes nothing there but an output; MiniStack
calls that no change at all, and the import then finds no export.
"""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Look once more at change sets without changes."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import handlers

    stock = handlers._ACTION_HANDLERS["CreateChangeSet"]

    def create(params: Any) -> Any:
        known = set(cloudformation._change_sets)
        answer = stock(params)
        for identifier in set(cloudformation._change_sets) - known:
            _look_at(cloudformation._change_sets[identifier])
        return answer

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create


def _look_at(change_set: dict[str, Any]) -> None:
    from ministack.services import cloudformation

    stack = cloudformation._stacks.get(change_set["StackName"]) or {}
    now = (stack.get("_template") or {}).get("Outputs", {})
    empty = change_set["Status"] == "FAILED" and not change_set["Changes"]
    if empty and change_set["ChangeSetType"] == "UPDATE":
        wanted = (change_set["_template"] or {}).get("Outputs", {})
        if wanted != now:
            change_set.update(
                Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason=""
            )
