"""Vectors that were computed once, by the text's hash: what makes a second test run fast.

One SQLite file for all engines of this checkout; `make clean` or deleting it costs time, nothing
else. Never trusted beyond one model: its name is part of the hash.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.models.embedding import Embedding

VERSION = "all-MiniLM-L6-v2/256/1"
WAIT_SECONDS = 10.0
ASKED_AT_ONCE = 500


class EmbeddingCache:
    """A cache in a file; one that cannot be opened or written is a cache without anything in it."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._database = _opened(path) if path else None

    def known(self, texts: Sequence[str]) -> dict[str, Embedding]:
        """What is there, by text."""
        from local.models.embedding import Embedding

        by_hash = {_hash(text): text for text in texts}
        found: dict[str, Embedding] = {}
        for each, vector, tokens in self._rows(list(by_hash)):
            found[by_hash[each]] = Embedding(vector, tokens)
        return found

    def keep(self, made: Mapping[str, Embedding]) -> None:
        """Add what was computed."""
        if self._database is None:
            return
        rows = [(_hash(text), each.vector, each.tokens) for text, each in made.items()]
        try:
            with self._lock, self._database:
                self._database.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", rows)
        except sqlite3.Error:
            return  # the disk is full, or another engine writes for very long

    def _rows(self, hashes: Sequence[bytes]) -> Iterable[tuple[bytes, bytes, int]]:
        if self._database is None:
            return
        for first in range(0, len(hashes), ASKED_AT_ONCE):
            some = hashes[first : first + ASKED_AT_ONCE]
            marks = ",".join("?" * len(some))
            # The marks are question marks, nothing of the text.
            query = f"SELECT hash, vector, tokens FROM vectors WHERE hash IN ({marks})"  # nosec B608
            with self._lock:
                try:
                    rows = self._database.execute(query, some).fetchall()
                except sqlite3.Error:
                    rows = []
            yield from rows


def _opened(path: Path) -> sqlite3.Connection | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, timeout=WAIT_SECONDS, check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS vectors "
                "(hash BLOB PRIMARY KEY, vector BLOB NOT NULL, tokens INTEGER NOT NULL)"
            )
    except (OSError, sqlite3.Error):
        return None
    return database


def _hash(text: str) -> bytes:
    return hashlib.blake2b(f"{VERSION}\0{text}".encode(), digest_size=16).digest()
