"""How a stack refers to what other stacks made."""

from __future__ import annotations

from aws_cdk import Stack


def hold_on_to_imports(stack: Stack) -> None:
    """Let nobody delete or replace what `stack` imports; before anything is made in it.

    The flag's recommended value, "weak", reads other stacks' outputs without holding on to them:
    the network could be deleted under the fleet, and a replaced subnet would go unnoticed, because
    the text of the importing template stays the same. Exports refuse both
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html).
    """
    stack.node.set_context("@aws-cdk/core:defaultCrossStackReferences", "strong")
