"""Permission to have what was found sorted by a reranker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.model_arns import foundation_model_arn


def reranking_permissions(
    scope: Construct, model: str
) -> Mapping[str, Sequence[iam.PolicyStatement]]:
    """Policy name -> statements for the knowledge base's role; nothing without a model.

    Retrieve reranks in the knowledge base's name: who calls it needs no more than Retrieve. It is
    RetrieveAndGenerate, and Rerank itself, that rerank in the caller's
    (https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-prereq.html).
    """
    if not model:
        return {}
    return {
        "reranking": [
            iam.PolicyStatement(
                actions=["bedrock:InvokeModel"], resources=[foundation_model_arn(scope, model)]
            ),
            iam.PolicyStatement(actions=["bedrock:Rerank"], resources=["*"]),
        ]
    }
