"""What answers: guardrail, prompts, memory, cache, and the function `chat` with its ways in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.answer_cache import answer_cache
from stacks.constructs.assistant_alarms import AssistantAlarms
from stacks.constructs.chat_stream import HANDLER, WRAPPER, ChatStream
from stacks.constructs.conversation_table import ConversationTable
from stacks.constructs.guardrail import Guardrail
from stacks.constructs.http_api import HttpApi
from stacks.constructs.model_access import STREAMED, WHOLE, may_ask
from stacks.constructs.model_arns import foundation_model_arn
from stacks.constructs.network import Network
from stacks.constructs.prompts import Prompts
from stacks.constructs.python_function import PythonFunction, PythonFunctionInputs
from stacks.cross_stack_references import hold_on_to_imports
from stacks.knowledge import Knowledge
from stacks.prompt_files import prompt_files
from stacks.settings import Settings
from stacks.settings_function import FunctionSettings

CHAT = "chat"


class AssistantStack(Stack):
    """Answers questions from the knowledge base, and remembers the conversation."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        package: Callable[[str], Bundle],
        network: Network,
        knowledge: Knowledge,
        alarm_topic: sns.ITopic,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, description="Groundwork: assistant", **kwargs)
        hold_on_to_imports(self)
        assistant = settings.assistant
        self._settings = settings
        self._package = package(CHAT)
        self._knowledge = knowledge
        self._alarm_topic = alarm_topic
        self._guardrail = (
            Guardrail(self, "Guardrail", settings=assistant) if assistant.guardrail else None
        )
        self._prompts = Prompts(self, "Prompts", prompts=prompt_files(assistant.pinned_prompts))
        self._conversations = ConversationTable(
            self, "Conversations", point_in_time_recovery=assistant.memory_recovery
        ).table
        cache = answer_cache(
            self,
            settings=assistant,
            dimension=knowledge.embedding.dimension,
            network=network,
            endpoint_zones=settings.network.interface_endpoint_zones,
        )
        self._cache = cache
        chat = self._function("Chat", settings=settings.chat)
        api = HttpApi(
            self,
            "Http",
            name=construct_id,
            settings=settings.api,
            log_retention_days=assistant.log_retention_days,
            encryption_key=None,
            alarm_topic=alarm_topic,
        )
        api.add_route("POST /chat", chat.alias)
        AssistantAlarms(
            self,
            "Alarms",
            settings=assistant,
            api_id=api.api.ref,
            conversations=self._conversations,
            guardrail=self._guardrail,
            topic=alarm_topic,
        )
        if assistant.evaluation:
            self._evaluation()

        CfnOutput(self, "ChatUrl", value=api.url)
        if assistant.streaming and settings.api.authorization == "iam":
            CfnOutput(self, "ChatStreamUrl", value=self._stream())
        CfnOutput(self, "ChatFunctionArn", value=chat.alias.function_arn)
        if self._guardrail:
            CfnOutput(self, "GuardrailId", value=self._guardrail.guardrail_id)
            CfnOutput(self, "GuardrailVersion", value=self._guardrail.version)
        CfnOutput(self, "ConversationsTableName", value=self._conversations.table_name)
        CfnOutput(self, "CacheStore", value=assistant.cache)
        CfnOutput(self, "ModelId", value=assistant.model_id)

    def _function(
        self,
        construct_id: str,
        *,
        settings: FunctionSettings,
        handler: str = "",
        environment: Mapping[str, str] | None = None,
        asks: Sequence[str] = (WHOLE,),
    ) -> PythonFunction:
        cache = self._cache
        function = PythonFunction(
            self,
            construct_id,
            inputs=PythonFunctionInputs(
                name=CHAT,
                package=self._package,
                settings=settings,
                alarm_topic=self._alarm_topic,
                log_retention_days=self._settings.assistant.log_retention_days,
                environment={**self._environment(), **cache.environment, **(environment or {})},
                permissions={**self._permissions(asks), **cache.permissions},
                placement=cache.placement,
                handler=handler,
                settled=[
                    self._prompts.digest,
                    *([self._guardrail.digest] if self._guardrail else []),
                ],
            ),
        )
        self._prompts.accept(function)
        return function

    def _stream(self) -> str:
        """The URL of a function with the same package, and more time."""
        settings = FunctionSettings.model_validate(
            {
                "memory_mb": self._settings.chat.memory_mb,
                "timeout_seconds": self._settings.assistant.stream_seconds,
            }
        )
        function = self._function(
            "ChatStream",
            settings=settings,
            handler=HANDLER,
            environment={"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER},
            asks=(WHOLE, STREAMED),
        )
        return ChatStream(self, "Stream", function=function).url

    def _evaluation(self) -> None:
        from stacks.constructs.evaluation_job import EvaluationJob, EvaluationJobInputs

        job = EvaluationJob(
            self,
            "Evaluation",
            inputs=EvaluationJobInputs(
                settings=self._settings.assistant,
                knowledge=self._knowledge,
                chunks=self._settings.chat.retrieved_chunks,
                alarm_topic=self._alarm_topic,
                retain_data=self._settings.knowledge.retain_data,
            ),
        )
        CfnOutput(self, "EvaluationBucketName", value=job.bucket.bucket_name)
        CfnOutput(self, "EvaluationQuestionsUri", value=job.questions_uri)

    def _environment(self) -> dict[str, str]:
        """lambda_src/chat/__init__.py says what each is."""
        settings, knowledge = self._settings.assistant, self._knowledge
        guardrail = self._guardrail
        input_price, output_price = settings.token_prices
        chat = self._settings.chat
        optional = {
            "SEARCH_TYPE": "SEMANTIC" if chat.search_type == "semantic" else "",
            "LEAST_SCORE": str(chat.least_score) if chat.least_score else "",
            "RERANK_MODEL_ARN": knowledge.rerank_model
            and foundation_model_arn(self, knowledge.rerank_model),
            "TENANT_CALLERS": ",".join(settings.tenant_callers),
            "TENANT_METADATA_KEY": settings.tenant_metadata_key,
        }
        return {
            "KNOWLEDGE_BASE_ID": knowledge.knowledge_base_id,
            "KNOWLEDGE_TABLE": knowledge.table.table_name,
            "CONVERSATIONS_TABLE": self._conversations.table_name,
            "MODEL_ID": settings.model_id,
            "GUARDRAIL_ID": guardrail.guardrail_id if guardrail else "",
            "GUARDRAIL_VERSION": guardrail.version if guardrail else "",
            "PROMPTS": json.dumps(self._prompts.versions, separators=(",", ":")),
            "MEMORY_DAYS": str(settings.memory_days),
            "EMBEDDING_MODEL_ID": knowledge.embedding.model_id,
            "EMBEDDING_DIMENSION": str(knowledge.embedding.dimension),
            "RETRIEVED_CHUNKS": str(chat.retrieved_chunks),
            "INPUT_PRICE": str(input_price),
            "OUTPUT_PRICE": str(output_price),
            **{name: value for name, value in optional.items() if value},
        }

    def _permissions(self, asks: Sequence[str]) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        settings, knowledge = self._settings.assistant, self._knowledge
        allow = iam.PolicyStatement
        return {
            "model": may_ask(
                self, model=settings.model, profile=settings.inference_profile, actions=asks
            ),
            "embedding": [
                allow(actions=["bedrock:InvokeModel"], resources=[knowledge.embedding_model_arn])
            ],
            "prompts": self._prompts.permissions,
            **(
                {
                    "guardrail": [
                        allow(
                            actions=["bedrock:ApplyGuardrail"],
                            resources=[self._guardrail.guardrail_arn],
                        )
                    ]
                }
                if self._guardrail
                else {}
            ),
            "knowledge": [
                allow(actions=["bedrock:Retrieve"], resources=[knowledge.knowledge_base_arn]),
                allow(actions=["dynamodb:GetItem"], resources=[knowledge.table.table_arn]),
            ],
            "conversations": [
                allow(
                    actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                    resources=[self._conversations.table_arn],
                )
            ],
        }
