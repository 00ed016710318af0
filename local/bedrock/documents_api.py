"""Documents of a data source, one by one: listed, looked up, ingested and deleted directly.

https://docs.aws.amazon.com/bedrock/latest/userguide/kb-direct-ingestion.html
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from local.bedrock.answers import Answer
from local.bedrock.errors import BedrockError, invalid
from local.bedrock.indexing import Indexer, ToIndex
from local.bedrock.ingestion import check_documents
from local.bedrock.knowledge_bases import DataSource, data_source, knowledge_base, refused
from local.bedrock.page_tokens import page
from local.bedrock.source_documents import (
    SourceDocument,
    UnreadableError,
    bucket_documents,
    metadata_of,
    text_of,
)
from local.bedrock.sync_state import KnownDocument, SourceState, SyncState, now
from local.bedrock.wire import Request
from local.models.client import Models
from local.stores.store import MetadataValue, StoreError

PAGE = 100
PLAYED = ("S3", "CUSTOM")


class Documents:
    """The operations."""

    def __init__(self, *, models: Models, state: SyncState) -> None:
        self._models = models
        self._state = state
        self._writing = threading.Lock()

    def list(self, request: Request) -> Answer:
        """ListKnowledgeBaseDocuments."""
        source = data_source(request["knowledgeBaseId"], request["dataSourceId"])
        known = self._state.source(source.knowledge_base_id, source.id).documents
        details = [_detail(source, each) for _, each in sorted(known.items())]
        some, token = page(
            details,
            size=int(request.get("maxResults", PAGE)),
            token=request.get("nextToken"),
            of=source.id,
        )
        return Answer(content={"documentDetails": some} | ({"nextToken": token} if token else {}))

    def get(self, request: Request) -> Answer:
        """GetKnowledgeBaseDocuments."""
        source = data_source(request["knowledgeBaseId"], request["dataSourceId"])
        check_documents(request["documentIdentifiers"], source.kind)
        known = self._state.source(source.knowledge_base_id, source.id).documents
        details = []
        for each in request["documentIdentifiers"]:
            found = known.get(_uri(each))
            details.append(
                _detail(source, found)
                if found
                else {**_place(source), "status": "NOT_FOUND", "identifier": each}
            )
        return Answer(content={"documentDetails": details})

    def ingest(self, request: Request) -> Answer:
        """IngestKnowledgeBaseDocuments: at once or soon after, as a job of its own."""
        source = data_source(request["knowledgeBaseId"], request["dataSourceId"])
        if source.kind not in PLAYED:
            raise invalid(f"Documents cannot be ingested into a data source of type {source.kind}.")
        contents = [each["content"] for each in request["documents"]]
        check_documents(contents, source.kind)
        state = self._state.source(source.knowledge_base_id, source.id)
        identifiers = [_identifier(each) for each in contents]
        known = []
        for identifier in identifiers:
            document = state.documents.setdefault(
                _uri(identifier), KnownDocument(identifier=identifier)
            )
            document.become("STARTING")
            known.append(_detail(source, document))
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run,
            args=(self._index, source, state, request["documents"]),
            daemon=True,
        ).start()
        return Answer(content={"documentDetails": known}, status=202)

    def delete(self, request: Request) -> Answer:
        """DeleteKnowledgeBaseDocuments."""
        source = data_source(request["knowledgeBaseId"], request["dataSourceId"])
        check_documents(request["documentIdentifiers"], source.kind)
        state = self._state.source(source.knowledge_base_id, source.id)
        details = []
        try:
            store = knowledge_base(source.knowledge_base_id).open()
            for each in request["documentIdentifiers"]:
                found = state.documents.pop(_uri(each), None)
                store.delete_document(_uri(each))
                status = "DELETING" if found else "NOT_FOUND"
                details.append({**_place(source), "status": status, "identifier": each})
            store.close()
        except StoreError as error:
            raise refused(error) from None
        return Answer(content={"documentDetails": details}, status=202)

    def _index(
        self, source: DataSource, state: SourceState, documents: Sequence[Mapping[str, Any]]
    ) -> None:
        def done(uri: str, error: str) -> None:
            state.documents[uri].become("FAILED" if error else "INDEXED", error)

        with self._writing:
            try:
                store = knowledge_base(source.knowledge_base_id).open()
            except (StoreError, BedrockError) as error:
                for each in documents:
                    done(_uri(_identifier(each["content"])), str(error))
                return
            indexer = Indexer(
                models=self._models, store=store, source=source, state=state, done=done
            )
            for each in documents:
                uri = _uri(_identifier(each["content"]))
                try:
                    indexer.add(_to_index(each, uri, state.documents[uri]))
                except (UnreadableError, BedrockError) as error:
                    done(uri, str(error))
            indexer.flush()
            store.close()


def _to_index(document: Mapping[str, Any], uri: str, known: KnownDocument) -> ToIndex:
    content = document["content"]
    attributes = _attributes(document.get("metadata") or {})
    if content["dataSourceType"] == "S3":
        found = _object(uri)
        metadata, embedded = metadata_of(found)
        known.tag, known.metadata_tag = found.tag, found.metadata_tag
        return ToIndex(
            uri=uri,
            text=text_of(found),
            metadata={**metadata, **attributes},
            embedded=embedded,
            known=True,
        )
    inline = content["custom"].get("inlineContent") or {}
    text = (inline.get("textContent") or {}).get("data")
    if text is None:
        raise invalid("only inline text content of custom documents is played by the local AWS")
    return ToIndex(uri=uri, text=text, metadata=attributes, known=True)


def _object(uri: str) -> SourceDocument:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    for each in bucket_documents(bucket, [key]) or ():
        if each.key == key:
            return each
    raise UnreadableError(f"{uri} does not exist")


def _attributes(metadata: Mapping[str, Any]) -> dict[str, MetadataValue]:
    members = ("stringValue", "numberValue", "booleanValue", "stringListValue")
    return {
        each["key"]: next(each["value"][name] for name in members if name in each["value"])
        for each in metadata.get("inlineAttributes") or ()
    }


def _identifier(content: Mapping[str, Any]) -> dict[str, Any]:
    if content["dataSourceType"] == "S3":
        return {"dataSourceType": "S3", "s3": {"uri": content["s3"]["s3Location"]["uri"]}}
    custom = content["custom"]["customDocumentIdentifier"]
    return {"dataSourceType": "CUSTOM", "custom": {"id": custom["id"]}}


def _uri(identifier: Mapping[str, Any]) -> str:
    if identifier["dataSourceType"] == "S3":
        return str(identifier["s3"]["uri"])
    return str(identifier["custom"]["id"])


def _place(source: DataSource) -> dict[str, Any]:
    return {
        "knowledgeBaseId": source.knowledge_base_id,
        "dataSourceId": source.id,
        "updatedAt": now(),
    }


def _detail(source: DataSource, document: KnownDocument) -> dict[str, Any]:
    return {
        **_place(source),
        "identifier": document.identifier,
        "status": document.status,
        "statusReason": document.reason,
        "updatedAt": document.updated_at or now(),
    }
