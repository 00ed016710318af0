"""Redis Enterprise Cloud."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge, acknowledge_wildcard
from stacks.constructs.vector_stores.setup_function import SetupFunction
from stacks.constructs.vector_stores.third_party import ThirdPartyStore, may_associate
from stacks.constructs.vector_stores.vector_store import DESCRIPTION, Configuration
from stacks.vector_index import METADATA_FIELD, TEXT_FIELD

# Whose value is the stack's name.
TAG = "groundwork:stack"


class Store(ThirdPartyStore):
    """A database that somebody made at Redis, found by its endpoint and a secret.

    Bedrock's API knows this store, AWS::Bedrock::KnowledgeBase does not
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-bedrock-knowledgebase.html),
    so a custom resource calls the API. What CloudFormation knows of the knowledge base is its
    identifier: drift detection and the tags of the app are lost. The function may change and delete
    what has the stack's tag, which it gives when it creates, and can give to others, but no other
    tag (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html).

    The index has to be there, with the embedding model's dimension, and so have TLS and client
    certificates: https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
    """

    def knowledge_base(
        self, scope: Construct, *, name: str, role: iam.IRole, configuration: Configuration
    ) -> tuple[str, str]:
        """The knowledge base, made by a function."""
        stack = Stack.of(self)
        bases = stack.format_arn(service="bedrock", resource="knowledge-base", resource_name="*")
        tagging = {"StringEquals": {f"aws:RequestTag/{TAG}": stack.stack_name}}
        setup = SetupFunction(
            self,
            "Setup",
            package=self._inputs.setup_package(),
            permissions={
                "bedrock": [
                    iam.PolicyStatement(
                        actions=["bedrock:CreateKnowledgeBase"], resources=["*"], conditions=tagging
                    ),
                    iam.PolicyStatement(
                        actions=["bedrock:TagResource"],
                        resources=[bases],
                        conditions={
                            **tagging,
                            "ForAllValues:StringEquals": {"aws:TagKeys": [TAG]},
                        },
                    ),
                    may_associate(self._inputs.settings.secret_arn),
                    iam.PolicyStatement(actions=["bedrock:GetKnowledgeBase"], resources=[bases]),
                    iam.PolicyStatement(
                        actions=["bedrock:DeleteKnowledgeBase", "bedrock:UpdateKnowledgeBase"],
                        resources=[bases],
                        conditions={"StringEquals": {f"aws:ResourceTag/{TAG}": stack.stack_name}},
                    ),
                    iam.PolicyStatement(
                        actions=["iam:PassRole"],
                        resources=[role.role_arn],
                        conditions={
                            "StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}
                        },
                    ),
                ]
            },
            log_retention_days=self._inputs.settings.log_retention_days,
        )
        acknowledge_wildcard(
            setup.role,
            "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:knowledge-base/*",
            reason="Bedrock gives a knowledge base its identifier when it is created.",
        )
        acknowledge(
            setup.role,
            "Serverless::Serverless-LambdaStarPermissions",
            reason="CreateKnowledgeBase, AssociateThirdPartyKnowledgeBase and the actions of X-Ray "
            "know no resources.",
        )
        made = setup.resource(
            scope,
            "OnRedis",  # the other type of knowledge base has another logical id
            kind="RedisKnowledgeBase",
            properties={"Request": stack.to_json_string(self._request(name, role, configuration))},
        )
        return made.get_att_string("KnowledgeBaseId"), made.get_att_string("KnowledgeBaseArn")

    def _request(self, name: str, role: iam.IRole, configuration: Any) -> dict[str, Any]:
        """The members of CreateKnowledgeBase.

        https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_CreateKnowledgeBase.html
        """
        settings, embedding = self._inputs.settings, self._inputs.embedding
        vectors = configuration.vector_knowledge_base_configuration
        asked: dict[str, Any] = {"embeddingModelArn": vectors.embedding_model_arn}
        if embedding.model.chooses_dimension:
            asked["embeddingModelConfiguration"] = {
                "bedrockEmbeddingModelConfiguration": {
                    "dimensions": embedding.dimension,
                    "embeddingDataType": "FLOAT32",
                }
            }
        return {
            "name": name,
            "tags": {TAG: Stack.of(self).stack_name},
            "description": DESCRIPTION,
            "roleArn": role.role_arn,
            "knowledgeBaseConfiguration": {
                "type": "VECTOR",
                "vectorKnowledgeBaseConfiguration": asked,
            },
            "storageConfiguration": {
                "type": "REDIS_ENTERPRISE_CLOUD",
                "redisEnterpriseCloudConfiguration": {
                    "endpoint": settings.endpoint,
                    "credentialsSecretArn": settings.secret_arn,
                    "vectorIndexName": settings.redis_index,
                    "fieldMapping": {
                        "vectorField": "vector",
                        "textField": TEXT_FIELD,
                        "metadataField": METADATA_FIELD,
                    },
                },
            },
        }
