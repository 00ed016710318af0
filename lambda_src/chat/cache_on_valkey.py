"""The cache's entries as hashes in Valkey, searched by its search module.

The client is valkey-py, the Valkey project's own: pure Python, no dependency, and imported when the
first question needs it. What redisvl's SemanticCache would find is found here as well (a test
compares them), without the 1.5 seconds and 76 MB of its import.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/vector-search.html
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

INDEX = "answers"
PREFIX = "answer:"
NEAREST = 5
NO_INDEX = ("no such index", "not found", "unknown index")


class ValkeyCache:
    """`connect` makes a client at the first use; it is kept with the copy. Its time-outs are those
    of connecting and of each piece of an answer; both together may take two `timeout_seconds`, and
    the connection is closed then.
    """

    def __init__(
        self, connect: Callable[[], Any], *, dimension: int, timeout_seconds: float
    ) -> None:
        self._connect = connect
        self._dimension = dimension
        self._longest = 2 * timeout_seconds
        self._client: Any = None

    def exact(self, scope: str, key: str) -> str | None:
        """The entry under a key."""
        found = self._ask("HGET", _key(scope, key), "entry")
        return None if found is None else _text(found)

    def near(self, scope: str, vector: Sequence[float]) -> list[tuple[float, str]]:
        """Cosine similarities and entries of the nearest."""
        query = f"@scope:{{{scope}}}=>[KNN {NEAREST} @vector $v AS distance]"
        arguments: tuple[Any, ...] = (
            "FT.SEARCH", INDEX, query, "PARAMS", "2", "v", _bytes(vector),
            "RETURN", "2", "distance", "entry", "DIALECT", "2",
        )  # fmt: skip
        try:
            answer = self._ask(*arguments)
        except Exception as error:
            if not any(sign in str(error).lower() for sign in NO_INDEX):
                raise
            self._make_index()
            return []
        found = []
        for fields in answer[2::2]:
            named = {_text(fields[at]): fields[at + 1] for at in range(0, len(fields) - 1, 2)}
            if "distance" in named and "entry" in named:
                found.append((1.0 - float(named["distance"]), _text(named["entry"])))
        return found

    def put(
        self, scope: str, key: str, vector: Sequence[float], entry: str, *, seconds: int
    ) -> None:
        """Keep an entry for so long; both commands or none."""
        name = _key(scope, key)
        pipeline = self._connected().pipeline(transaction=True)
        pipeline.hset(name, mapping={"scope": scope, "entry": entry, "vector": _bytes(vector)})
        pipeline.expire(name, seconds)
        self._in_time(pipeline.execute)

    def _make_index(self) -> None:
        try:
            self._ask(
                "FT.CREATE", INDEX, "ON", "HASH", "PREFIX", "1", PREFIX, "SCHEMA",
                "scope", "TAG",
                "vector", "VECTOR", "HNSW", "6",
                "TYPE", "FLOAT32", "DIM", str(self._dimension), "DISTANCE_METRIC", "COSINE",
            )  # fmt: skip
        except Exception as error:
            if "already exists" not in str(error).lower():
                raise

    def _ask(self, *arguments: Any) -> Any:
        return self._in_time(lambda: self._connected().execute_command(*arguments))

    def _in_time(self, ask: Callable[[], Any]) -> Any:
        from threading import Timer

        late = Timer(self._longest, self._connected().connection_pool.disconnect)
        late.daemon = True
        late.start()
        try:
            return ask()
        finally:
            late.cancel()

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._connect()
        return self._client


def client_of(
    endpoint: str, *, timeout_seconds: float, token: Callable[[], tuple[str, str]] | None
) -> Any:
    """A client with short time-outs. `token` gives user and password for every new connection."""
    from valkey import Valkey
    from valkey.credentials import CredentialProvider

    secure = endpoint.startswith("rediss://")
    host, _, port = endpoint.rpartition("://")[2].rpartition(":")
    settings: dict[str, Any] = {}
    if token is not None:
        read = token

        class Tokens(CredentialProvider):
            """Asked by the client whenever it connects."""

            def get_credentials(self) -> tuple[str, str]:
                return read()

        settings["credential_provider"] = Tokens()
    return Valkey(
        host=host,
        port=int(port),
        ssl=secure,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry_on_timeout=False,
        **settings,
    )


def _key(scope: str, key: str) -> str:
    return f"{PREFIX}{scope}:{key}"


def _bytes(vector: Sequence[float]) -> bytes:
    return array("f", vector).tobytes()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
