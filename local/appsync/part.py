"""AppSync in the engine: what starts and stops, and what stands in front of MiniStack."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from local.appsync.control_door import AppSyncControls
from local.appsync.data_plane import DataPlane
from local.appsync.deployed_api import api_ids
from local.appsync.faults import Faults
from local.appsync.http_door import HttpDoor
from local.appsync.realtime import Realtime
from local.asgi import Asgi
from local.engine_config import EngineConfig
from local.engine_parts import ControlHandler


class AppSync:
    """One engine's AppSync. Made on the engine's loop."""

    name = "appsync"

    def __init__(self, config: EngineConfig) -> None:
        self._plane = DataPlane(config, asyncio.get_running_loop())
        self._faults = Faults()
        self._realtime = Realtime(self._plane, self._faults)

    def in_front_of(self, inner: Asgi) -> Asgi:
        """Answers for deployed APIs, leaves the rest to `inner`."""
        return HttpDoor(inner, self._plane, self._faults, self._realtime)

    async def start(self) -> None:
        """Nothing runs until a request comes."""

    async def stop(self) -> None:
        """Close the connections and start no more resolvers."""
        self._realtime.drop(1001)
        self._plane.close()

    def status(self) -> Mapping[str, Any]:
        """For `python -m local status`."""
        return {
            "apis": len(api_ids()),
            "connections": self._realtime.connections,
            "subscriptions": len(self._plane.subscribers),
            "faults": self._faults.described(),
        }

    def controls(self) -> Mapping[str, ControlHandler]:
        """The fault door."""
        return AppSyncControls(self._plane, self._faults, self._realtime).handlers()
