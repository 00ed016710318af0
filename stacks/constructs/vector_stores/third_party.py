"""Stores at a third party: Pinecone, Redis Enterprise Cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam

from stacks.constructs.acknowledged import acknowledge_wildcard
from stacks.constructs.vector_stores.vector_store import VectorStore

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


class ThirdPartyStore(VectorStore):
    """A store that is reached with a secret, and permitted by it."""

    @property
    def permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """The secret, that it may be used, and the key that it is encrypted with, if that is not
        AWS's own (https://docs.aws.amazon.com/bedrock/latest/userguide/encryption-kb.html).
        """
        key = self._inputs.settings.secret_key_arn
        reading = iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key]) if key else None
        return {
            **({"secret-key": [reading]} if reading else {}),
            "vectors": [
                iam.PolicyStatement(
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[self._inputs.settings.secret_arn],
                ),
                may_associate(self._inputs.settings.secret_arn),
            ],
        }

    @property
    def job_permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """See VectorStore."""
        return {"third-party": [may_associate(self._inputs.settings.secret_arn)]}

    def accept(self, role: iam.IRole) -> None:
        """The action that knows no resources."""
        acknowledge_wildcard(role, "*", reason=NO_RESOURCES)
