"""Function URLs in the engine: their programs end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from local.engine_parts import ControlHandler
from local.function_urls import door
from local.function_urls.environments import Environments


class FunctionUrls:
    """A part without a loop of its own: programs start when a URL is asked."""

    name = "function urls"

    def __init__(self, environments: Environments) -> None:
        self._environments = environments

    async def start(self) -> None:
        """Nothing runs until a request comes."""

    async def stop(self) -> None:
        """End every program."""
        await asyncio.to_thread(self._environments.close)

    def status(self) -> Mapping[str, Any]:
        """How many programs run, and with or without work."""
        return self._environments.counts()

    def controls(self) -> Mapping[str, ControlHandler]:
        """None."""
        return {}


def register() -> FunctionUrls:
    """The part, for the engine; from now on, functions that stream are run by it."""
    environments = Environments()
    door.register(environments)
    return FunctionUrls(environments)
