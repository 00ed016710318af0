"""Findings of judges that are accepted, each with its reason, beside the resource."""

from __future__ import annotations

from constructs import IConstruct

# Where aws-cdk-lib keeps acknowledgements. Written directly because `Validations.acknowledge` takes
# no identifier that holds more than one `::`, and those of cdk-nag's wildcard findings do.
METADATA_KEY = "aws:cdk:acknowledged-rules"


def acknowledge(construct: IConstruct, rule: str, *, reason: str) -> None:
    """Accept the finding `rule` (pack included, such as `AwsSolutions::AwsSolutions-S1`)."""
    construct.node.add_metadata(METADATA_KEY, {rule: reason})


def acknowledge_wildcard(construct: IConstruct, resource: str, *, reason: str) -> None:
    """Accept that a policy of `construct` names `resource`, in cdk-nag's flattened notation."""
    acknowledge(construct, f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
