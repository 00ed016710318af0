"""Bedrock's entry into the engine."""

from __future__ import annotations

from local.bedrock.part import Bedrock
from local.engine_config import EngineConfig


def register(config: EngineConfig) -> Bedrock:
    """Make the part that the engine starts; once per process."""
    return Bedrock(config)
