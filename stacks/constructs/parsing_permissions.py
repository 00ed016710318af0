"""Permission to have documents read by a model, or by Bedrock Data Automation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.model_access import may_ask
from stacks.settings_chunking import ChunkingSettings

# Of invocations, as cdk-nag writes it.
INVOCATIONS = (
    "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:data-automation-invocation/*"
)
# https://docs.aws.amazon.com/bedrock/latest/userguide/bda-cris.html
DATA_AUTOMATION_REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2")


def parsing_permissions(
    scope: Construct, settings: ChunkingSettings
) -> Mapping[str, Sequence[iam.PolicyStatement]]:
    """Policy name -> statements; nothing for text, which Bedrock reads itself.

    Data Automation sends what it reads to any Region of the US, and its own project says how
    (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html).
    """
    if settings.parsing == "foundation_model":
        model, profile = settings.parsing_model, settings.parsing_profile
        asked = may_ask(scope, model=model, profile=profile, actions=["bedrock:InvokeModel"])
        return {"parsing": asked}
    if settings.parsing != "data_automation":
        return {}
    stack = Stack.of(scope)
    project = stack.format_arn(
        service="bedrock",
        account="aws",
        resource="data-automation-project",
        resource_name="public-rag-default",
    )
    profiles = [
        stack.format_arn(
            service="bedrock",
            region=region,
            resource="data-automation-profile",
            resource_name="us.data-automation-v1",
        )
        for region in DATA_AUTOMATION_REGIONS
    ]
    invocations = stack.format_arn(
        service="bedrock", resource="data-automation-invocation", resource_name="*"
    )
    return {
        "parsing": [
            iam.PolicyStatement(
                actions=["bedrock:InvokeDataAutomationAsync"], resources=[project, *profiles]
            ),
            iam.PolicyStatement(
                actions=["bedrock:GetDataAutomationStatus"], resources=[invocations]
            ),
        ]
    }
