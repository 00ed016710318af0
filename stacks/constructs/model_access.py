"""Permission to ask a model."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.model_arns import asked_model_arn, foundation_model_arn
from stacks.inference_profiles import GLOBAL, REACH

# What Converse needs, and what ConverseStream needs:
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-prereq.html
WHOLE, STREAMED = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"


def may_ask(
    scope: Construct, *, model: str, profile: str, actions: Sequence[str] = (WHOLE,)
) -> list[iam.PolicyStatement]:
    """Statements for a model in this Region, or for its inference profile `profile`.

    Bedrock checks a request to a profile twice: for the profile, and for the model in the Region
    that it is sent to, which is this one or any that the profile's list has. The model is only
    allowed by way of the profile, so the role cannot ask for it in those Regions itself. A global
    profile's model has no Region in its ARN, and is asked for with the Region `unspecified`.

    https://docs.aws.amazon.com/bedrock/latest/userguide/geographic-cross-region-inference.html
    https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html
    """
    here = foundation_model_arn(scope, model)
    if profile == "none":
        return [iam.PolicyStatement(actions=list(actions), resources=[here])]
    profile_arn = asked_model_arn(scope, model, profile=profile)
    through = {"bedrock:InferenceProfileArn": profile_arn}
    statements = [iam.PolicyStatement(actions=list(actions), resources=[profile_arn])]
    if profile == GLOBAL:
        statements += [
            iam.PolicyStatement(
                actions=list(actions), resources=[here], conditions={"ArnEquals": through}
            ),
            iam.PolicyStatement(
                actions=list(actions),
                resources=[_model_in("", model)],
                conditions={
                    "StringEquals": {"aws:RequestedRegion": "unspecified"},
                    "ArnEquals": through,
                },
            ),
        ]
    else:
        statements.append(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[
                    here,
                    *(_model_in(each, model) for each in REACH[model].profiles[profile]),
                ],
                conditions={"ArnEquals": through},
            )
        )
    return statements


def _model_in(region: str, model: str) -> str:
    return f"arn:{Aws.PARTITION}:bedrock:{region}::foundation-model/{model}"
