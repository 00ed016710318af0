"""The stores inside the engine: what runs for them ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from local.asgi import Asgi
from local.engine_parts import ControlHandler
from local.stores import open_search, processes, s3_vectors
from local.stores.search_door import SearchDoor


class Stores:
    """A part without a loop of its own: servers start when they are first needed."""

    name = "stores"

    async def start(self) -> None:
        """Nothing is needed yet."""

    async def stop(self) -> None:
        """End every server."""
        await asyncio.to_thread(processes.stop_all)

    def status(self) -> Mapping[str, Any]:
        """Indices by name with the number of their chunks, and the servers that run."""
        return {
            "indices": {
                **{
                    f"{owner}/{name}": index.chunks.count()
                    for (owner, name), index in open_search.INDICES.items()
                },
                **{arn: index.count() for arn, index in s3_vectors.INDICES.items()},
            },
            "servers": [server.name for server in processes.SERVERS],
        }

    def controls(self) -> Mapping[str, ControlHandler]:
        """None."""
        return {}

    def in_front_of(self, inner: Asgi) -> Asgi:
        """Collections and domains of OpenSearch answer before MiniStack."""
        return SearchDoor(inner)
