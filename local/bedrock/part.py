"""Bedrock in the engine: what starts and stops, and what stands in front of MiniStack."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from local.asgi import Asgi
from local.bedrock import evaluation_jobs
from local.bedrock.answering import Answering
from local.bedrock.apply_guardrail import ApplyGuardrail
from local.bedrock.control_door import BedrockControls
from local.bedrock.converse import Converse
from local.bedrock.data_source_deletion import DataSourceDeletion
from local.bedrock.documents_api import Documents
from local.bedrock.door import Door, Operation
from local.bedrock.faults import Faults
from local.bedrock.generation import Generation
from local.bedrock.guardrails import Guardrails
from local.bedrock.ingestion import Ingestion
from local.bedrock.invoke import Invoke
from local.bedrock.model_ids import ModelAccess
from local.bedrock.prompt_resources import get_prompt
from local.bedrock.reranking import Reranking
from local.bedrock.retrieval import Retrieval
from local.bedrock.sync_state import SyncState
from local.engine_config import EngineConfig
from local.engine_parts import ControlHandler
from local.models.client import Models


class Bedrock:
    """One engine's Bedrock."""

    name = "bedrock"

    def __init__(self, config: EngineConfig) -> None:
        self._models = Models(log=config.state_directory / "models.log")
        self._faults = Faults()
        self._access = ModelAccess()
        self._answering = Answering(self._models)
        self._guardrails = Guardrails(self._models)
        self._state = SyncState()
        self._ingestion = Ingestion(models=self._models, state=self._state, faults=self._faults)
        self._door: Door | None = None

    def in_front_of(self, inner: Asgi) -> Asgi:
        """Answers for Bedrock's data plane, leaves the rest to `inner`."""
        self._door = Door(inner, self._operations(), self._faults)
        return self._door

    async def start(self) -> None:
        """Nothing runs until a request comes."""

    async def stop(self) -> None:
        """End the jobs and the models' process."""
        if self._door is not None:
            self._door.close()
        await asyncio.to_thread(self._models.stop)
        await asyncio.to_thread(self._ingestion.stop_all)

    def status(self) -> Mapping[str, Any]:
        """For `python -m local status`."""
        return {"models": self._models.state(), "faults": self._faults.described()}

    def controls(self) -> Mapping[str, ControlHandler]:
        """Faults, access, and who plays which model."""
        return BedrockControls(
            faults=self._faults,
            access=self._access,
            answering=self._answering,
            models=self._models,
        ).handlers()

    def _operations(self) -> Mapping[str, Operation]:
        return {**self._model_operations(), **self._knowledge_operations()}

    def _model_operations(self) -> Mapping[str, Operation]:
        converse = Converse(
            access=self._access, answering=self._answering, guardrails=self._guardrails
        )
        invoke = Invoke(
            models=self._models,
            access=self._access,
            answering=self._answering,
            guardrails=self._guardrails,
        )
        return {
            "ApplyGuardrail": ApplyGuardrail(self._guardrails).apply,
            "Converse": converse.converse,
            "ConverseStream": converse.converse_stream,
            "CreateEvaluationJob": evaluation_jobs.create,
            "GetPrompt": get_prompt,
            "InvokeModel": invoke.invoke,
            "InvokeModelWithResponseStream": invoke.invoke_with_stream,
        }

    def _knowledge_operations(self) -> Mapping[str, Operation]:
        reranking = Reranking(models=self._models, access=self._access)
        retrieval = Retrieval(
            models=self._models,
            access=self._access,
            reranking=reranking,
            guardrails=self._guardrails,
            state=self._state,
        )
        generation = Generation(
            models=self._models,
            access=self._access,
            retrieval=retrieval,
            guardrails=self._guardrails,
        )
        documents = Documents(models=self._models, state=self._state)
        return {
            "DeleteDataSource": DataSourceDeletion(self._state).delete,
            "DeleteKnowledgeBaseDocuments": documents.delete,
            "GetIngestionJob": self._ingestion.get,
            "GetKnowledgeBaseDocuments": documents.get,
            "IngestKnowledgeBaseDocuments": documents.ingest,
            "ListIngestionJobs": self._ingestion.list,
            "ListKnowledgeBaseDocuments": documents.list,
            "Rerank": reranking.rerank,
            "Retrieve": retrieval.retrieve,
            "RetrieveAndGenerate": generation.retrieve_and_generate,
            "RetrieveAndGenerateStream": generation.stream,
            "StartIngestionJob": self._ingestion.start,
            "StopIngestionJob": self._ingestion.stop,
        }
