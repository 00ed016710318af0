"""What tests and the demo may do to Bedrock; POST /_groundwork/bedrock/<name>.

| control | request | effect |
| --- | --- | --- |
| bedrock/refuse | `operations` (pattern), `error`, `times` | the next calls fail with this error |
| bedrock/latency | `seconds` | every call waits that long first |
| bedrock/ingestion | `seconds` | every ingestion job is in progress for at least that long |
| bedrock/access | `model`, `granted` | the account loses or regains access to a model |
| bedrock/play | `model` (pattern), `by` | who plays a model: automatic, extractive, generative |
| bedrock/reset | | no faults, all access, everybody as at the start |
| bedrock/models | | the models' process, and who plays what |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.bedrock.answering import PLAYERS, Answering
from local.bedrock.faults import MESSAGES, Faults
from local.bedrock.model_ids import ModelAccess
from local.engine_parts import ControlError, ControlHandler
from local.models.client import Models

Asked = Mapping[str, Any]


class BedrockControls:
    """The controls."""

    def __init__(
        self, *, faults: Faults, access: ModelAccess, answering: Answering, models: Models
    ) -> None:
        self._faults = faults
        self._access = access
        self._answering = answering
        self._models = models

    def handlers(self) -> Mapping[str, ControlHandler]:
        """By name."""
        return {
            "bedrock/refuse": self._refuse,
            "bedrock/latency": self._latency,
            "bedrock/ingestion": self._hold_jobs,
            "bedrock/access": self._allow,
            "bedrock/play": self._play,
            "bedrock/reset": self._reset,
            "bedrock/models": self._state,
        }

    async def _refuse(self, asked: Asked) -> Asked:
        _only(asked, "operations", "error", "times")
        kind = str(asked.get("error", "ThrottlingException"))
        if kind not in MESSAGES:
            raise ControlError(f"error {kind} must be one of {', '.join(MESSAGES)}")
        self._faults.refuse(str(asked.get("operations", "*")), kind, int(asked.get("times", 1)))
        return self._faults.described()

    async def _latency(self, asked: Asked) -> Asked:
        self._faults.latency_seconds = _seconds(asked)
        return self._faults.described()

    async def _hold_jobs(self, asked: Asked) -> Asked:
        self._faults.job_seconds = _seconds(asked)
        return self._faults.described()

    async def _allow(self, asked: Asked) -> Asked:
        _only(asked, "model", "granted")
        model = asked.get("model")
        if not model:
            raise ControlError("name a model: model=amazon.nova-lite-v1:0")
        granted = bool(asked.get("granted", True))
        (self._access.grant if granted else self._access.deny)(str(model))
        return {"model": model, "granted": granted}

    async def _play(self, asked: Asked) -> Asked:
        _only(asked, "model", "by")
        player = asked.get("by")
        if player not in PLAYERS:
            raise ControlError(f"by {player!r} must be one of {', '.join(PLAYERS)}")
        self._answering.bind(str(asked.get("model", "*")), player)
        return {"bound": dict(self._answering.bound)}

    async def _reset(self, _asked: Asked) -> Asked:
        self._faults.clear()
        self._access.clear()
        self._answering.unbind()
        return self._faults.described()

    async def _state(self, _asked: Asked) -> Asked:
        return {"models": self._models.state(), "bound": dict(self._answering.bound)}


def _only(asked: Asked, *known: str) -> None:
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise ControlError(f"{unknown[0]} is not known here; there are {', '.join(known)}")


def _seconds(asked: Asked) -> float:
    _only(asked, "seconds")
    try:
        seconds = float(asked.get("seconds", 0.0))
    except (TypeError, ValueError):
        raise ControlError("seconds must be a number") from None
    if seconds < 0:
        raise ControlError(f"seconds {seconds:g} must not be negative")
    return seconds
