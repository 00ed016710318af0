"""What runs inside the engine's process beside MiniStack, such as the fleet's supervisor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, runtime_checkable

# Takes the request's JSON object, returns the answer's; raise ControlError for a bad request.
ControlHandler = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class ControlError(ValueError):
    """A control request that cannot be served; the message is what the caller reads."""


class Part(Protocol):
    """Started after the tables are hooked, stopped before the engine's process ends.

    `start` and `stop` run in the engine's event loop, `stop` also after a failed `start`. `stop`
    has ended every process that the part started when it returns.
    """

    @property
    def name(self) -> str:
        """A word for `python -m local status` and for error messages."""

    async def start(self) -> None:
        """Begin to work; the endpoint answers already."""

    async def stop(self) -> None:
        """End, and leave nothing running."""

    def status(self) -> Mapping[str, Any]:
        """What `python -m local status` shows; JSON types only."""

    def controls(self) -> Mapping[str, ControlHandler]:
        """Handlers by name; served as POST /_groundwork/<name>, called by LocalAws.control."""


@runtime_checkable
class Fronted(Protocol):
    """A part that answers requests itself, before MiniStack sees them."""

    def in_front_of(self, inner: Any) -> Any:
        """An ASGI application that passes on to `inner` what is not the part's."""
