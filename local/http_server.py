"""The HTTP server in front of MiniStack.

MiniStack comes with hypercorn, whose parser is in Python; uvicorn with httptools needs three fifths
of the CPU per request, measured on GetObject and PutObject. The engine is one process, so that is
what the whole fleet waits for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 1


class _Server(uvicorn.Server):
    """Leaves the signals to the engine, which has instances to end before it stops serving."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not."""
        yield


def http_server(application: Any) -> uvicorn.Server:
    """A server for an ASGI application; set its `should_exit` to end it."""
    return _Server(
        uvicorn.Config(
            application,
            http="httptools",
            ws="wsproto",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
