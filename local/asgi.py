"""ASGI, as far as the doors on the engine's port need it.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Asgi = Callable[[Mapping[str, Any], Any, Any], Awaitable[None]]


def header_map(scope: Mapping[str, Any]) -> dict[str, str]:
    """Headers by lower-case name."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def source_ip(scope: Mapping[str, Any]) -> str:
    """Where the connection comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "127.0.0.1"


async def whole_body(receive: Any) -> bytes:
    """What a request carries, to its end."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def answer(send: Any, status: int, content: bytes, headers: Mapping[str, str]) -> None:
    """A whole answer, and how long it is."""
    await begin(send, status, {**headers, "content-length": str(len(content))})
    await send({"type": "http.response.body", "body": content})


async def begin(send: Any, status: int, headers: Mapping[str, str]) -> None:
    """Status and headers of an answer whose body is still to be sent."""
    encoded = [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in headers.items()
    ]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
