"""Permission to keep what is known at a third party: Pinecone, Redis Enterprise Cloud."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

NO_RESOURCES = (
    "AssociateThirdPartyKnowledgeBase knows no resources; its condition names the one secret."
)


def may_associate(secret_arn: str) -> iam.PolicyStatement:
    """With the one secret. Of resources the action knows none, hence `*`
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html).

    Three roles need it: the knowledge base's
    (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-create-security.html), whoever creates
    or changes the knowledge base, as CloudFormation's type AWS::Bedrock::KnowledgeBase lists it,
    and whoever starts ingestion jobs. The last is no page's word but public practice.
    """
    return iam.PolicyStatement(
        actions=["bedrock:AssociateThirdPartyKnowledgeBase"],
        resources=["*"],
        conditions={
            "ArnEquals": {"bedrock:ThirdPartyKnowledgeBaseCredentialsSecretArn": secret_arn}
        },
    )
