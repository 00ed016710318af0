"""An output that another stack imports can neither be changed nor removed, as in CloudFormation.

MiniStack holds a deletion back for it, and lets an update pass: what works here would fail there
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-importvalue.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def register() -> None:
    """Hold an update's exports against what other stacks import, before anything old is deleted."""
    from ministack.services.cloudformation import _exports, stacks

    stock = stacks._resolve_stack_outputs

    def resolve(
        definitions: Any, conditions: Any, resources: Any, parameters: Any, mappings: Any,
        stack_name: str, stack_id: str,
    ) -> Any:  # fmt: skip
        outputs, exports = stock(
            definitions, conditions, resources, parameters, mappings, stack_name, stack_id
        )
        before = {
            name: export["Value"]
            for name, export in _exports.items()
            if export["StackId"] == stack_id
        }
        after = {name: export["Value"] for name, export in exports.items()}
        _refuse_what_is_in_use(before, after, stack_name)
        for name in set(before) - set(after):
            del _exports[name]
        return outputs, exports

    stacks._resolve_stack_outputs = resolve


def _refuse_what_is_in_use(
    before: Mapping[str, str], after: Mapping[str, str], stack_name: str
) -> None:
    for name in before:
        if before[name] == after.get(name):
            continue
        if users := _importing(name, stack_name):
            raise ValueError(
                f"Export {name} cannot be updated as it is in use by {users}"
                if name in after
                else f"Cannot delete export {name} as it is in use by {users}"
            )


def _importing(export: str, owner: str) -> str:
    from ministack.services.cloudformation import _stacks
    from ministack.services.cloudformation.handlers import _imported_export_names

    return ", ".join(
        name
        for name, stack in _stacks.items()
        if name != owner
        and stack.get("StackStatus") != "DELETE_COMPLETE"
        and export in _imported_export_names(stack, name)
    )
