"""A Bedrock knowledge base on a vector store."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws, Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge_wildcard
from stacks.constructs.model_arns import foundation_model_arn
from stacks.constructs.parsing_permissions import INVOCATIONS, parsing_permissions
from stacks.constructs.reranking_permissions import reranking_permissions
from stacks.constructs.vector_stores.vector_store import VectorStore, fingerprint
from stacks.embedding_models import Embedding
from stacks.settings_knowledge import KnowledgeSettings


@dataclass(frozen=True, kw_only=True)
class KnowledgeBaseInputs:
    """Settings, store, and where documents come from."""

    settings: KnowledgeSettings
    embedding: Embedding
    store: VectorStore
    documents: s3.IBucket
    documents_key: kms.IKey | None


class KnowledgeBase(Construct):
    """Knowledge base and its role.

    - Only knowledge bases of this account assume the role
      (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html), and all that it
      may do is inline: a policy beside the role is attached after the role exists, while Bedrock
      tries whether it reaches the store (aws-cdk issue 35120).
    - CloudFormation wants a name, and the store and the embedding model can only be replaced, which
      makes the new knowledge base before the old one goes. So the name changes with them, and
      the role is another one: see `VectorStore.settled`.

    Attributes: `name`, `knowledge_base_id`, `knowledge_base_arn`, `embedding_model_arn`, `role`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: KnowledgeBaseInputs) -> None:
        super().__init__(scope, construct_id)
        self.embedding_model_arn = foundation_model_arn(self, inputs.embedding.model_id)
        self.role = self._role(inputs)
        inputs.store.admit(self.role)
        self.name = f"{Stack.of(self).stack_name}-{fingerprint(*inputs.settings.replacing)}"
        self.knowledge_base_id, self.knowledge_base_arn = inputs.store.knowledge_base(
            self,
            name=self.name,
            role=self.role,
            configuration=self._configuration(inputs.embedding),
        )

    def _configuration(
        self, embedding: Embedding
    ) -> bedrock.CfnKnowledgeBase.KnowledgeBaseConfigurationProperty:
        base = bedrock.CfnKnowledgeBase
        return base.KnowledgeBaseConfigurationProperty(
            type="VECTOR",
            vector_knowledge_base_configuration=base.VectorKnowledgeBaseConfigurationProperty(
                embedding_model_arn=self.embedding_model_arn,
                embedding_model_configuration=(
                    base.EmbeddingModelConfigurationProperty(
                        bedrock_embedding_model_configuration=(
                            base.BedrockEmbeddingModelConfigurationProperty(
                                dimensions=embedding.dimension, embedding_data_type="FLOAT32"
                            )
                        )
                    )
                    if embedding.model.chooses_dimension
                    else None
                ),
            ),
        )

    def _role(self, inputs: KnowledgeBaseInputs) -> iam.Role:
        bucket = inputs.documents
        ours = {"StringEquals": {"aws:ResourceAccount": Aws.ACCOUNT_ID}}
        policies = {
            "models": [
                iam.PolicyStatement(
                    actions=["bedrock:InvokeModel"], resources=[self.embedding_model_arn]
                )
            ],
            **parsing_permissions(self, inputs.settings),
            **reranking_permissions(self, inputs.settings.rerank_model),
            "documents": [
                iam.PolicyStatement(
                    actions=["s3:ListBucket"], resources=[bucket.bucket_arn], conditions=ours
                ),
                iam.PolicyStatement(
                    actions=["s3:GetObject"],
                    resources=[bucket.arn_for_objects("*")],
                    conditions=ours,
                ),
            ],
            **inputs.store.permissions,
        }
        if inputs.documents_key:
            policies["keys"] = [
                iam.PolicyStatement(
                    actions=["kms:Decrypt"], resources=[inputs.documents_key.key_arn]
                )
            ]
        role = iam.Role(
            self,
            "Role" + inputs.store.settled,
            description="Knowledge base",
            assumed_by=iam.ServicePrincipal(
                "bedrock.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {
                        "aws:SourceArn": Stack.of(self).format_arn(
                            service="bedrock", resource="knowledge-base", resource_name="*"
                        )
                    },
                },
            ),
            inline_policies={
                name: iam.PolicyDocument(statements=list(each)) for name, each in policies.items()
            },
        )
        exported = Stack.of(self).resolve(Stack.of(bucket).export_value(bucket.bucket_arn))
        acknowledge_wildcard(
            role,
            f"{exported['Fn::ImportValue']}/*",
            reason="Which documents there will be is not known beforehand; the bucket is.",
        )
        if inputs.settings.parsing == "data_automation":
            acknowledge_wildcard(
                role,
                INVOCATIONS,
                reason="Data Automation gives what it reads an identifier when it begins.",
            )
        if inputs.settings.rerank_model:
            acknowledge_wildcard(
                role,
                "*",
                reason="Rerank knows no resources; the model that it may ask is named.",
            )
        inputs.store.accept(role)
        return role
