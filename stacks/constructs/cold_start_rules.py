"""What must not be combined, looked for in the resources themselves before they are written."""

from __future__ import annotations

import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import IValidation

from stacks.constructs.escape_hatch import resource_of

SNAPSTART_RUNTIMES = ("python3.12", "python3.13", "python3.14")


@jsii.implements(IValidation)
class ColdStartRules:
    """Finds illegal mixes that code made behind the settings, by properties of the L1 resources.

    The CDK itself accepts all of them, and so does template validation; Lambda refuses them in the
    middle of a deployment
    (https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html,
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html).
    """

    def __init__(self, function: lambda_.Function, alias: lambda_.Alias) -> None:
        self._function = function
        self._alias = alias

    def validate(self) -> list[str]:
        """What is wrong, each with the remedy."""
        function = resource_of(self._function, lambda_.CfnFunction)
        alias = resource_of(self._alias, lambda_.CfnAlias)
        name, label = self._function.node.path, self._alias.alias_name
        provisioned = alias.provisioned_concurrency_config is not None
        snapstart = getattr(function.snap_start, "apply_on", None) == "PublishedVersions"
        found = (
            (
                provisioned and snapstart,
                "SnapStart and provisioned concurrency exclude each other; choose one with "
                "cold_starts",
            ),
            (
                provisioned and alias.routing_config is not None,
                f"the alias {label} has weights, and Lambda refuses provisioned concurrency for "
                "such an alias; shift traffic by another alias, or set cold_starts to none while "
                "it lasts",
            ),
            (
                (provisioned or snapstart) and alias.function_version == "$LATEST",
                f"the alias {label} points at $LATEST, which can be neither provisioned nor "
                "snapshotted; use function.current_version",
            ),
            (
                snapstart and function.runtime not in SNAPSTART_RUNTIMES,
                f"{function.runtime} has no SnapStart; use one of {', '.join(SNAPSTART_RUNTIMES)}, "
                "or another strategy",
            ),
        )
        return [f"{name}: {problem}" for wrong, problem in found if wrong]
