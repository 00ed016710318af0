"""Retrieve: chunks from the deployed knowledge base's own vector store.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Retrieve.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/kb-test-config.html

Without `overrideSearchType` AWS chooses; here a store that can search hybrid does. Children of
hierarchical chunking are replaced by their parents, each once, so fewer results than asked for may
come. A page ends when its text reaches PAGE_CHARACTERS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.bedrock.answers import Answer
from local.bedrock.embeddings import fitted
from local.bedrock.errors import BedrockError, invalid
from local.bedrock.guardrail_parts import GROUNDING_SOURCE, Part
from local.bedrock.guardrails import Guardrails
from local.bedrock.knowledge_bases import KnowledgeBase, knowledge_base, refused
from local.bedrock.model_ids import ModelAccess
from local.bedrock.page_tokens import page
from local.bedrock.reranking import Reranking
from local.bedrock.sync_state import SyncState
from local.bedrock.wire import Request
from local.models.client import Models, ModelsError
from local.stores.store import CHUNK_ID, DATA_SOURCE_ID, SOURCE_URI, Hit, StoreError

DEFAULT_RESULTS = 5
PAGE_CHARACTERS = 100_000
HYBRID_UNSUPPORTED = (
    "HYBRID search type is not supported for search operation on index {index}. Retry your request "
    "with a different search type."
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A result, as Retrieve shows it."""

    text: str
    uri: str
    score: float
    metadata: Mapping[str, Any]

    def shown(self) -> dict[str, Any]:
        """A KnowledgeBaseRetrievalResult."""
        return {**self.reference(), "score": self.score}

    def reference(self) -> dict[str, Any]:
        """A RetrievedReference."""
        location: dict[str, Any] = (
            {"type": "S3", "s3Location": {"uri": self.uri}}
            if self.uri.startswith("s3://")
            else {"type": "CUSTOM", "customDocumentLocation": {"id": self.uri}}
        )
        return {
            "content": {"type": "TEXT", "text": self.text},
            "location": location,
            "metadata": dict(self.metadata),
        }


class Retrieval:
    """The operation, and what RetrieveAndGenerate uses of it."""

    def __init__(
        self,
        *,
        models: Models,
        access: ModelAccess,
        reranking: Reranking,
        guardrails: Guardrails,
        state: SyncState,
    ) -> None:
        self._models = models
        self._access = access
        self._reranking = reranking
        self._guardrails = guardrails
        self._state = state

    def retrieve(self, request: Request) -> Answer:
        """Retrieve."""
        owner = knowledge_base(request["knowledgeBaseId"])
        query = request["retrievalQuery"]
        if not query.get("text", "").strip():
            raise invalid("The text of retrievalQuery is blank. Add text and try again.")
        action = "NONE"
        text = query["text"]
        guarded = request.get("guardrailConfiguration")
        if guarded:
            guardrail = self._guardrails.find(guarded["guardrailId"], guarded["guardrailVersion"])
            verdict = self._guardrails.assess(guardrail, "INPUT", [Part(text=text)])
            if verdict.blocked:
                return Answer(content={"retrievalResults": [], "guardrailAction": "INTERVENED"})
            text = verdict.texts[0]
            action = "INTERVENED" if verdict.masked else "NONE"
        found = self.search(owner, text, request.get("retrievalConfiguration") or {})
        some, token = page(
            found,
            size=_page_size(found),
            token=request.get("nextToken"),
            of=f"{owner.id}/{query['text'][:100]}",
        )
        content: dict[str, Any] = {"retrievalResults": [each.shown() for each in some]}
        if guarded:
            content["guardrailAction"] = action
        if token:
            content["nextToken"] = token
        return Answer(content=content)

    def search(
        self, owner: KnowledgeBase, text: str, configuration: Mapping[str, Any]
    ) -> list[Found]:
        """Results, best first. Raises BedrockError."""
        chosen = configuration.get("vectorSearchConfiguration") or {}
        for unplayed in ("implicitFilterConfiguration", "managedSearchConfiguration"):
            if unplayed in chosen or unplayed in configuration:
                raise invalid(f"{unplayed} is not played by the local AWS")
        self._access.model(owner.embedding_model, kind="embedding")
        limit = int(chosen.get("numberOfResults", DEFAULT_RESULTS))
        found = self._found(owner, self._hits(owner, text, chosen, limit))
        return self._reranked(text, found, chosen.get("rerankingConfiguration"))

    def _hits(
        self, owner: KnowledgeBase, text: str, chosen: Mapping[str, Any], limit: int
    ) -> list[Hit]:
        wanted = chosen.get("overrideSearchType")
        try:
            store = owner.open()
            try:
                if wanted == "HYBRID" and not store.hybrid:
                    raise invalid(HYBRID_UNSUPPORTED.format(index=_index_name(owner)))
                hybrid = wanted == "HYBRID" or (wanted is None and store.hybrid)
                (vector,) = self._models.vectors([text])
                return store.search(
                    vector=fitted(vector, store.dimension),
                    text=text if hybrid else None,
                    limit=limit,
                    accepts=chosen.get("filter"),
                )
            finally:
                store.close()
        except StoreError as error:
            raise refused(error) from None
        except ModelsError as error:
            raise BedrockError("DependencyFailedException", str(error)) from None

    def _found(self, owner: KnowledgeBase, hits: Sequence[Hit]) -> list[Found]:
        parents: dict[str, tuple[str, str]] = {}
        for each in self._state.parents(owner.id):
            parents.update(each)
        found: dict[str, Found] = {}
        for hit in hits:
            chunk = hit.chunk
            shown_id, text = parents.get(chunk.id, (chunk.id, chunk.text))
            if shown_id in found:
                continue  # another child of the same parent
            own = {
                SOURCE_URI: chunk.source_uri,
                CHUNK_ID: shown_id,
                DATA_SOURCE_ID: chunk.metadata.get(DATA_SOURCE_ID, ""),
            }
            found[shown_id] = Found(
                text=text,
                uri=chunk.source_uri,
                score=hit.score,
                metadata={**chunk.metadata, **own},
            )
        return list(found.values())

    def _reranked(
        self, text: str, found: list[Found], configuration: Mapping[str, Any] | None
    ) -> list[Found]:
        if not configuration or not found:
            return found
        chosen = configuration.get("bedrockRerankingConfiguration") or {}
        ranked = self._reranking.ranked(
            text,
            [each.text for each in found],
            chosen["modelConfiguration"]["modelArn"],
        )
        wanted = int(chosen.get("numberOfRerankedResults", len(found)))
        return [
            Found(
                text=found[place].text,
                uri=found[place].uri,
                score=score,
                metadata=found[place].metadata,
            )
            for place, score in ranked[:wanted]
        ]


def grounding_parts(found: Sequence[Found]) -> list[Part]:
    """Results as what an answer has to be grounded in."""
    qualifiers = frozenset({GROUNDING_SOURCE})
    return [Part(text=each.text, qualifiers=qualifiers) for each in found]


def _page_size(found: Sequence[Found]) -> int:
    """How many fit on a page; pages of one list are alike, so the largest result decides."""
    largest = max((len(each.text) for each in found), default=1)
    return max(1, PAGE_CHARACTERS // max(1, largest))


def _index_name(owner: KnowledgeBase) -> str:
    for value in owner.storage.values():
        if isinstance(value, Mapping):
            for name in ("vectorIndexName", "indexName", "indexArn", "tableName", "namespace"):
                if name in value:
                    return str(value[name]).rpartition("/")[2]
    return owner.id
