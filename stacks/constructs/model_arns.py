"""ARNs of foundation models, and of their inference profiles."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct


def foundation_model_arn(scope: Construct, model_id: str) -> str:
    """Models belong to no account.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
    """
    return Stack.of(scope).format_arn(
        service="bedrock", account="", resource="foundation-model", resource_name=model_id
    )


def asked_model_arn(scope: Construct, model_id: str, *, profile: str) -> str:
    """What a request names: the model, or one of its profiles, which belong to the account."""
    if profile == "none":
        return foundation_model_arn(scope, model_id)
    return Stack.of(scope).format_arn(
        service="bedrock", resource="inference-profile", resource_name=f"{profile}.{model_id}"
    )
