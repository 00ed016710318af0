"""Bedrock in the engine: what starts and stops, and what stands in front of MiniStack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.bedrock.answering import Answering
from local.bedrock.apply_guardrail import ApplyGuardrail
from local.bedrock.control_door import BedrockControls
from local.bedrock.converse import Converse
from local.bedrock.door import Door, Operation
from local.bedrock.faults import Faults
from local.bedrock.guardrails import Guardrails
from local.bedrock.invoke import Invoke
from local.bedrock.model_ids import ModelAccess
from local.control import Asgi
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
        self._door: Door | None = None

    def in_front_of(self, inner: Asgi) -> Asgi:
        """Answers for Bedrock's data plane, leaves the rest to `inner`."""
        self._door = Door(inner, self._operations(), self._faults)
        return self._door

    async def start(self) -> None:
        """Nothing runs until a request comes."""

    async def stop(self) -> None:
        """End the models' process."""
        if self._door is not None:
            self._door.close()
        self._models.stop()

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
            "InvokeModel": invoke.invoke,
            "InvokeModelWithResponseStream": invoke.invoke_with_stream,
        }
