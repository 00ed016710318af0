"""ARNs of foundation models."""

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
