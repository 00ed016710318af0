"""AppSync's entry into the engine."""

from __future__ import annotations

from local.appsync.deployed_types import AppSyncTypes
from local.appsync.part import AppSync
from local.engine_config import EngineConfig


def register(config: EngineConfig) -> AppSync:
    """Hook the resource types and make the part that the engine starts; once per process."""
    AppSyncTypes(endpoint=config.endpoint).register()
    return AppSync(config)
