"""The engine's own door, beside AWS's: /_groundwork/<name> on the same port, JSON in and out."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from local.asgi import Asgi, answer, whole_body
from local.engine_parts import ControlError, ControlHandler

PREFIX = "/_groundwork/"
logger = logging.getLogger("groundwork.control")


class ControlDoor:
    """An ASGI application that answers control requests and passes everything else on."""

    def __init__(self, inner: Asgi) -> None:
        self._inner = inner
        self._handlers: dict[str, ControlHandler] = {}

    def add(self, handlers: Mapping[str, ControlHandler]) -> None:
        """Serve more; a name that is taken is a mistake of the caller."""
        for name, handler in handlers.items():
            if name in self._handlers:
                raise ValueError(f"control {name!r} is registered twice")
            self._handlers[name] = handler

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one connection's scope."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._inner(scope, receive, send)
            return
        status, told = await self._answer(
            scope["path"].removeprefix(PREFIX), await whole_body(receive)
        )
        await answer(send, status, json.dumps(told).encode(), {"content-type": "application/json"})

    async def _answer(self, name: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
        handler = self._handlers.get(name)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            return 404, {"error": f"there is no control {name!r}; there are: {known}"}
        try:
            request = json.loads(body or b"{}")
            if not isinstance(request, dict):
                raise ControlError("the request must be a JSON object")
            return 200, await handler(request)
        except (ControlError, json.JSONDecodeError) as error:
            return 400, {"error": str(error)}
        except Exception as error:
            logger.exception("control %s failed", name)
            return 500, {"error": f"{name} failed: {error!r}; see engine.log"}
