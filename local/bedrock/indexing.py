"""Documents into a vector store: cut, embedded, put, in batches.

The chunk's id follows from the document and the chunk's number, so that indexing the same document
again replaces what is there.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from local.bedrock.chunking import Piece, cut
from local.bedrock.embeddings import fitted
from local.bedrock.knowledge_bases import DataSource
from local.bedrock.sync_state import SourceState
from local.models.client import Models, ModelsError
from local.stores.store import DATA_SOURCE_ID, Chunk, MetadataValue, Store, StoreError

BATCH = 64
"""Chunks that are embedded and put together."""


@dataclass(frozen=True, kw_only=True)
class ToIndex:
    """A document's text, metadata, and which of them is embedded with every chunk."""

    uri: str
    text: str
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    embedded: Sequence[str] = ()
    known: bool = False


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    document: ToIndex
    pieces: Sequence[Piece]


class Indexer:
    """Collects documents; `done(uri, error)` is called for each, the error empty when it is in."""

    def __init__(
        self,
        *,
        models: Models,
        store: Store,
        source: DataSource,
        state: SourceState,
        done: Callable[[str, str], None],
    ) -> None:
        self._models = models
        self._store = store
        self._source = source
        self._state = state
        self._done = done
        self._waiting: list[_Waiting] = []
        self._chunks = 0

    def add(self, document: ToIndex) -> None:
        """Take a document; it is indexed with the batch that it completes."""
        try:
            pieces = cut(document.text, self._source.chunking, self._models.vectors)
        except ModelsError as error:
            self._done(document.uri, str(error))
            return
        if not pieces:
            self._done(document.uri, f"{document.uri} has no text")
            return
        self._waiting.append(_Waiting(document=document, pieces=pieces))
        self._chunks += len(pieces)
        if self._chunks >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Index what waits."""
        waiting, self._waiting, self._chunks = self._waiting, [], 0
        if not waiting:
            return
        try:
            self._put(waiting)
        except (StoreError, ModelsError) as error:
            if len(waiting) == 1:
                self._done(waiting[0].document.uri, str(error))
                return
            for each in waiting:  # one of them spoils it for all
                self._waiting = [each]
                self.flush()
            return
        for each in waiting:
            self._done(each.document.uri, "")

    def _put(self, waiting: Sequence[_Waiting]) -> None:
        """A known document is put before it is removed, and again after: what the store refuses
        costs nothing of what is there.
        """
        chunks = self._chunks_of(waiting)
        self._store.put([each for several in chunks for each in several])
        for each, its in zip(waiting, chunks, strict=True):
            if each.document.known:
                self.forget(each.document.uri)
                self._store.put(its)
            for chunk, piece in zip(its, each.pieces, strict=True):
                if piece.parent is not None:
                    parent = (_parent_id(each.document, piece), piece.parent)
                    self._state.parents[chunk.id] = parent

    def _chunks_of(self, waiting: Sequence[_Waiting]) -> list[list[Chunk]]:
        texts = [_embedded_text(each.document, piece) for each in waiting for piece in each.pieces]
        vectors = iter(self._models.vectors(texts))
        return [
            [
                Chunk(
                    id=self._chunk_id(each.document.uri, number),
                    text=piece.text,
                    source_uri=each.document.uri,
                    vector=fitted(next(vectors), self._store.dimension),
                    metadata={**each.document.metadata, DATA_SOURCE_ID: self._source.id},
                )
                for number, piece in enumerate(each.pieces)
            ]
            for each in waiting
        ]

    def forget(self, uri: str) -> None:
        """Remove a document's chunks. Raises StoreError."""
        self._store.delete_document(uri)

    def _chunk_id(self, uri: str, number: int) -> str:
        name = f"{self._source.knowledge_base_id}/{self._source.id}/{uri}#{number}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _embedded_text(document: ToIndex, piece: Piece) -> str:
    lines = [f"{name}: {document.metadata[name]}" for name in document.embedded]
    return "\n".join([*lines, piece.text])


def _parent_id(document: ToIndex, piece: Piece) -> str:
    content = f"{document.uri}#{piece.parent}"
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
