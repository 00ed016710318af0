"""What is known of the documents of each data source: from which content they were indexed.

In the engine's memory, as its buckets are. AWS keeps the same to make a sync incremental.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(kw_only=True)
class KnownDocument:
    """A document's state, as ListKnowledgeBaseDocuments shows it."""

    identifier: Mapping[str, Any]
    tag: str = ""
    metadata_tag: str = ""
    status: str = "PENDING"
    reason: str = ""
    updated_at: str = ""

    def become(self, status: str, reason: str = "") -> None:
        """Change, at this moment."""
        self.status, self.reason, self.updated_at = status, reason, now()


@dataclass(kw_only=True)
class SourceState:
    """One data source."""

    documents: dict[str, KnownDocument] = field(default_factory=dict)
    parents: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By a chunk's id: the id and the text of its parent, of hierarchical chunking."""


class SyncState:
    """All data sources."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: dict[tuple[str, str], SourceState] = {}

    def source(self, knowledge_base_id: str, data_source_id: str) -> SourceState:
        """One data source's state."""
        with self._lock:
            return self._sources.setdefault((knowledge_base_id, data_source_id), SourceState())

    def forget(self, knowledge_base_id: str, data_source_id: str) -> None:
        """The data source is gone."""
        with self._lock:
            self._sources.pop((knowledge_base_id, data_source_id), None)

    def parents(self, knowledge_base_id: str) -> Iterator[Mapping[str, tuple[str, str]]]:
        """The parents of a knowledge base's chunks, by data source."""
        with self._lock:
            sources = [
                state for (owner, _), state in self._sources.items() if owner == knowledge_base_id
            ]
        for state in sources:
            if state.parents:
                yield state.parents


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).isoformat()
