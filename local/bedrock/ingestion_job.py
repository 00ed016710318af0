"""One ingestion job: the data source compared with what is indexed, and the difference applied.

https://docs.aws.amazon.com/bedrock/latest/userguide/kb-data-source-sync-ingest.html: a sync is
incremental. Unchanged documents are scanned and left alone, those that are gone are removed, and a
document that fails does not fail the job.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from local.bedrock.indexing import Indexer, ToIndex
from local.bedrock.knowledge_bases import DataSource, KnowledgeBase
from local.bedrock.source_documents import (
    SourceDocument,
    UnreadableError,
    UnsupportedError,
    bucket_documents,
    metadata_of,
    text_of,
)
from local.bedrock.sync_state import KnownDocument, SourceState, now
from local.models.client import Models
from local.stores.store import Store, StoreError

MOST_REASONS = 100
INDEXED = ("INDEXED", "METADATA_PARTIALLY_INDEXED")
logger = logging.getLogger("groundwork.bedrock")
Record = dict[str, Any]


class IngestionJob:
    """A job over a record of MiniStack's, which GetIngestionJob shows as it changes."""

    def __init__(
        self,
        *,
        record: Record,
        owner: KnowledgeBase,
        source: DataSource,
        state: SourceState,
        models: Models,
        hold_seconds: float = 0.0,
    ) -> None:
        self.record = record
        self._hold_seconds = hold_seconds
        self.stopping = threading.Event()
        self._owner = owner
        self._source = source
        self._state = state
        self._models = models
        self._reasons: list[str] = []
        self._unsupported: list[str] = []
        self._kinds: dict[str, str] = {}
        self._tags: dict[str, tuple[str, str, str]] = {}

    def run(self) -> None:
        """To the end, whatever it is."""
        self._become("IN_PROGRESS")
        self.stopping.wait(self._hold_seconds)
        try:
            failure = self._sync()
        except StoreError as error:
            failure = f"The vector store failed: {error}"
        except Exception as error:
            logger.exception("ingestion job %s failed", self.record["IngestionJobId"])
            failure = f"The job failed: {error!r}"
        if failure:
            self._reasons.insert(0, failure)
        self._say_unsupported()
        self.record["FailureReasons"] = self._reasons[:MOST_REASONS]
        stopped = "STOPPED" if self.stopping.is_set() else "COMPLETE"
        self._become("FAILED" if failure else stopped)

    def _sync(self) -> str:
        if self._source.kind != "S3":
            return f"Data sources of type {self._source.kind} are not played by the local AWS."
        if self._source.transformed:
            return "Custom transformations and context enrichment are not played by the local AWS."
        documents = bucket_documents(self._source.bucket, self._source.prefixes)
        if documents is None:
            return f"The bucket {self._source.bucket} does not exist."
        store = self._owner.open()
        try:
            self._apply(documents, store)
        finally:
            store.close()
        return ""

    def _apply(self, documents: Sequence[SourceDocument], store: Store) -> None:
        indexer = Indexer(
            models=self._models,
            store=store,
            source=self._source,
            state=self._state,
            done=self._done,
        )
        self._count("NumberOfDocumentsScanned", len(documents))
        metadata = sum(bool(each.metadata_tag) for each in documents)
        self._count("NumberOfMetadataDocumentsScanned", metadata)
        self._remove_missing({each.uri for each in documents}, indexer)
        for document in documents:
            if self.stopping.is_set():
                break
            change = self._change(document)
            if change:
                self._index(document, change, indexer)
        indexer.flush()

    def _remove_missing(self, present: set[str], indexer: Indexer) -> None:
        for uri in [each for each in self._state.documents if each not in present]:
            if self._state.documents[uri].identifier["dataSourceType"] != "S3":
                continue
            indexer.forget(uri)
            known = self._state.documents.pop(uri)
            if known.status in INDEXED:
                self._count("NumberOfDocumentsDeleted")

    def _change(self, document: SourceDocument) -> str:
        """new, modified or metadata; empty when the document is indexed as it is."""
        known = self._state.documents.get(document.uri)
        if known is None or known.status not in INDEXED:
            return "modified" if known and known.tag else "new"
        if known.tag != document.tag:
            return "modified"
        return "metadata" if known.metadata_tag != document.metadata_tag else ""

    def _index(self, document: SourceDocument, change: str, indexer: Indexer) -> None:
        known = self._state.documents.setdefault(
            document.uri,
            KnownDocument(identifier={"dataSourceType": "S3", "s3": {"uri": document.uri}}),
        )
        known.become("IN_PROGRESS")
        reason = ""
        try:
            metadata, embedded = metadata_of(document)
        except UnreadableError as error:
            metadata, embedded, reason = {}, [], str(error)
        self._kinds[document.uri] = change
        self._tags[document.uri] = (document.tag, document.metadata_tag, reason)
        try:
            text = text_of(document)
        except UnsupportedError as error:
            self._unsupported.append(document.uri)
            self._fail(document.uri, str(error), listed=False)
            return
        except UnreadableError as error:
            self._fail(document.uri, str(error))
            return
        indexer.add(
            ToIndex(
                uri=document.uri,
                text=text,
                metadata=metadata,
                embedded=embedded,
                known=change != "new",
            )
        )

    def _done(self, uri: str, error: str) -> None:
        if error:
            self._fail(uri, error)
            return
        known = self._state.documents[uri]
        known.tag, known.metadata_tag, reason = self._tags[uri]
        known.become("METADATA_PARTIALLY_INDEXED" if reason else "INDEXED", reason)
        if reason:
            self._reasons.append(reason)
        counted = {
            "new": "NumberOfNewDocumentsIndexed",
            "modified": "NumberOfModifiedDocumentsIndexed",
            "metadata": "NumberOfMetadataDocumentsModified",
        }
        self._count(counted[self._kinds[uri]])

    def _fail(self, uri: str, reason: str, *, listed: bool = True) -> None:
        self._state.documents[uri].become("FAILED", reason)
        self._count("NumberOfDocumentsFailed")
        if listed:
            self._reasons.append(f"Encountered error: {reason}")

    def _say_unsupported(self) -> None:
        if self._unsupported:
            self._reasons.append(
                f"Encountered error: Ignored {len(self._unsupported)} files as their file format "
                f"was not supported. [Files: {', '.join(self._unsupported[:20])}]"
            )

    def _count(self, name: str, by: int = 1) -> None:
        self.record["Statistics"][name] += by
        self.record["UpdatedAt"] = now()

    def _become(self, status: str) -> None:
        self.record["Status"], self.record["UpdatedAt"] = status, now()


def fresh_statistics() -> Mapping[str, int]:
    """All counters of a job at nothing."""
    return {
        "NumberOfDocumentsScanned": 0,
        "NumberOfMetadataDocumentsScanned": 0,
        "NumberOfNewDocumentsIndexed": 0,
        "NumberOfModifiedDocumentsIndexed": 0,
        "NumberOfMetadataDocumentsModified": 0,
        "NumberOfDocumentsDeleted": 0,
        "NumberOfDocumentsFailed": 0,
    }
