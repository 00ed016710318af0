"""The RDS Data API on the clusters' own PostgreSQL.

MiniStack has the API, and connects to a database in a container; here it connects to the server of
`aurora_clusters`. Statements block, so they run beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from local.stores import aurora_clusters


def register() -> None:
    """Take over where MiniStack connects."""
    from ministack.services import rds_data

    stock_connect, stock_real = rds_data._connect, rds_data._has_real_endpoint
    stock_answer = rds_data.handle_request

    def connect(
        instance: Mapping[str, Any],
        engine: str,
        database: str | None = None,
        password: str | None = None,
        username: str | None = None,
    ) -> Any:
        if engine != "aurora-postgresql":
            return stock_connect(instance, engine, database, password, username)
        identifier = instance["DBClusterIdentifier"]
        return aurora_clusters.connect(
            identifier,
            database=database or "postgres",
            username=username or instance["MasterUsername"],
            password=password or "",
        )

    def has_real_endpoint(instance: Mapping[str, Any]) -> bool:
        return instance.get("Engine") == "aurora-postgresql" or stock_real(instance)

    async def answer(*request: Any) -> Any:
        return await asyncio.to_thread(asyncio.run, stock_answer(*request))

    rds_data._connect = connect
    rds_data._has_real_endpoint = has_real_endpoint
    rds_data.handle_request = answer
