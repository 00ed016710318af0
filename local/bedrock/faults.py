"""What tests may do to Bedrock: refuse calls, slow them down. The control door sets it."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.bedrock.errors import BedrockError

MESSAGES: Mapping[str, str] = {
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
    "InternalServerException": "The system encountered an unexpected error during processing. "
    "Try your request again.",
    "ModelTimeoutException": "Model has timed out in processing the request. Try your request "
    "again.",
    "ModelNotReadyException": "Model is not ready for inference.",
    "ModelErrorException": "The model encountered an error.",
    "AccessDeniedException": "User is not authorized to perform this action.",
    "ResourceNotFoundException": "Could not resolve the foundation model from the provided model "
    "identifier.",
    "ValidationException": "Invocation of the model with on-demand throughput isn't supported. "
    "Retry your request with the ID or ARN of an inference profile that contains this model.",
}


@dataclass
class _Refusal:
    operations: str
    kind: str
    times: int


@dataclass
class Faults:
    """The faults in force."""

    latency_seconds: float = 0.0
    job_seconds: float = 0.0
    refusals: list[_Refusal] = field(default_factory=list)

    def refuse(self, operations: str, kind: str, times: int) -> None:
        """Refuse the next calls of operations that fit a pattern."""
        self.refusals.append(_Refusal(operations, kind, times))

    def clear(self) -> None:
        """None."""
        self.latency_seconds = self.job_seconds = 0.0
        self.refusals.clear()

    def meet(self, operation: str) -> None:
        """What a call goes through first, on its own thread. Raises BedrockError."""
        if self.latency_seconds:
            time.sleep(self.latency_seconds)
        for each in self.refusals:
            if each.times > 0 and fnmatch.fnmatch(operation, each.operations):
                each.times -= 1
                raise BedrockError(each.kind, MESSAGES[each.kind])

    def described(self) -> Mapping[str, Any]:
        """For the control door."""
        return {
            "latency_seconds": self.latency_seconds,
            "job_seconds": self.job_seconds,
            "refusing": [
                {"operations": each.operations, "error": each.kind, "times": each.times}
                for each in self.refusals
                if each.times > 0
            ],
        }
