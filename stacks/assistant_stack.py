"""What answers: guardrail, prompts, memory, cache, and the function `chat` with its ways in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.conversation_table import ConversationTable
from stacks.constructs.http_api import HttpApi
from stacks.constructs.model_access import may_ask
from stacks.constructs.python_function import PythonFunction, PythonFunctionInputs
from stacks.knowledge import Knowledge
from stacks.settings_assistant import AssistantSettings
from stacks.settings_chat import ChatSettings
from stacks.settings_functions import ApiSettings

CHAT = "chat"


@dataclass(frozen=True, kw_only=True)
class AssistantStackInputs:
    """Settings, the function's package, the knowledge, and where alarms go."""

    settings: AssistantSettings
    chat: ChatSettings
    chat_package: Bundle
    api: ApiSettings
    knowledge: Knowledge
    alarm_topic: sns.ITopic


class AssistantStack(Stack):
    """Answers questions from the knowledge base, and remembers the conversation."""

    def __init__(
        self, scope: Construct, construct_id: str, *, inputs: AssistantStackInputs, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, description="Groundwork: assistant", **kwargs)
        # As in the fleet's stack: what is imported cannot be deleted or replaced unnoticed.
        self.node.set_context("@aws-cdk/core:defaultCrossStackReferences", "strong")
        settings = inputs.settings
        self._inputs = inputs
        self._conversations = ConversationTable(
            self, "Conversations", point_in_time_recovery=settings.memory_recovery
        ).table
        chat = PythonFunction(
            self,
            "Chat",
            inputs=PythonFunctionInputs(
                name=CHAT,
                package=inputs.chat_package,
                settings=inputs.chat,
                alarm_topic=inputs.alarm_topic,
                log_retention_days=settings.log_retention_days,
                environment=self._environment(),
                permissions=self._permissions(),
            ),
        )
        api = HttpApi(
            self,
            "Http",
            name=construct_id,
            settings=inputs.api,
            log_retention_days=settings.log_retention_days,
            encryption_key=None,
            alarm_topic=inputs.alarm_topic,
        )
        api.add_route("POST /chat", chat.alias)

        CfnOutput(self, "ChatUrl", value=api.url)
        CfnOutput(self, "ChatFunctionArn", value=chat.alias.function_arn)
        CfnOutput(self, "ConversationsTableName", value=self._conversations.table_name)
        CfnOutput(self, "CacheStore", value=settings.cache)

    def _environment(self) -> dict[str, str]:
        settings, knowledge = self._inputs.settings, self._inputs.knowledge
        return {
            "KNOWLEDGE_BASE_ID": knowledge.knowledge_base_id,
            "KNOWLEDGE_TABLE": knowledge.table.table_name,
            "CONVERSATIONS_TABLE": self._conversations.table_name,
            "MODEL_ID": settings.model_id,
            "MEMORY_DAYS": str(settings.memory_days),
            "EMBEDDING_MODEL_ID": knowledge.embedding.model_id,
            "EMBEDDING_DIMENSION": str(knowledge.embedding.dimension),
            "RETRIEVED_CHUNKS": str(self._inputs.chat.retrieved_chunks),
            "CACHE": "off",
            "GUARDRAIL_ID": "",
            "GUARDRAIL_VERSION": "",
            "PROMPTS": "{}",
            "INPUT_PRICE": str(settings.language_model.input_price),
            "OUTPUT_PRICE": str(settings.language_model.output_price),
        }

    def _permissions(self) -> dict[str, Sequence[iam.PolicyStatement]]:
        settings, knowledge = self._inputs.settings, self._inputs.knowledge
        return {
            "model": may_ask(self, model=settings.model, profile=settings.inference_profile),
            "embedding": [
                iam.PolicyStatement(
                    actions=["bedrock:InvokeModel"], resources=[knowledge.embedding_model_arn]
                )
            ],
            "knowledge": [
                iam.PolicyStatement(
                    actions=["bedrock:Retrieve"], resources=[knowledge.knowledge_base_arn]
                ),
                iam.PolicyStatement(
                    actions=["dynamodb:GetItem"], resources=[knowledge.table.table_arn]
                ),
            ],
            "conversations": [
                iam.PolicyStatement(
                    actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                    resources=[self._conversations.table_arn],
                )
            ],
        }
