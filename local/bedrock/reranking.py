"""Reranking without a cross-encoder: the best sentence, the whole passage, and the shared words.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html. Scores lie
between 0 and 1 as those of AWS's rerankers do, and mean nothing next to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.bedrock.answers import Answer
from local.bedrock.errors import BedrockError, invalid
from local.bedrock.model_ids import ModelAccess
from local.bedrock.page_tokens import page
from local.bedrock.topics import spread
from local.bedrock.wire import Request
from local.models.client import Models, ModelsError
from local.models.extractive import sentences

SENTENCE, PASSAGE, WORDS = 0.5, 0.3, 0.2
MOST_SENTENCES = 20
PAGE = 1000
_WORD = re.compile(r"[a-z0-9]{3,}")


class Reranking:
    """The operation, and what Retrieve uses of it."""

    def __init__(self, *, models: Models, access: ModelAccess) -> None:
        self._models = models
        self._access = access

    def rerank(self, request: Request) -> Answer:
        """Rerank."""
        configuration = request["rerankingConfiguration"]["bedrockRerankingConfiguration"]
        (query,) = request["queries"]
        texts = [_text(each["inlineDocumentSource"]) for each in request["sources"]]
        ranked = self.ranked(
            query["textQuery"]["text"], texts, configuration["modelConfiguration"]["modelArn"]
        )
        wanted = int(configuration.get("numberOfResults", len(texts)))
        if wanted > len(texts):
            raise invalid(
                f"numberOfResults {wanted} must not be greater than the number of sources, "
                f"{len(texts)}."
            )
        results = [
            {"index": place, "relevanceScore": round(score, 6)} for place, score in ranked[:wanted]
        ]
        some, token = page(results, size=PAGE, token=request.get("nextToken"), of="rerank")
        return Answer(content={"results": some} | ({"nextToken": token} if token else {}))

    def ranked(self, query: str, texts: Sequence[str], model: str) -> list[tuple[int, float]]:
        """Places and scores, best first. Raises BedrockError."""
        self._access.model(model, kind="rerank")
        divided = [sentences(text)[:MOST_SENTENCES] for text in texts]
        flat = [query, *texts, *(each for several in divided for each in several)]
        try:
            vectors = self._models.vectors(flat)
        except ModelsError as error:
            raise BedrockError("DependencyFailedException", str(error)) from None
        asked, rest = vectors[0], iter(vectors[1 + len(texts) :])
        scored = []
        for place, several in enumerate(divided):
            whole = _dot(asked, vectors[1 + place])
            best = max((_dot(asked, next(rest)) for _ in several), default=whole)
            score = (
                SENTENCE * spread(best)
                + PASSAGE * spread(whole)
                + WORDS * _shared(query, texts[place])
            )
            scored.append((place, score))
        return sorted(scored, key=lambda each: -each[1])


def _text(source: Mapping[str, Any]) -> str:
    if source["type"] == "TEXT":
        return str(source["textDocument"]["text"])
    return json.dumps(source["jsonDocument"], ensure_ascii=False)


def _shared(query: str, text: str) -> float:
    asked = set(_WORD.findall(query.lower()))
    return len(asked & set(_WORD.findall(text.lower()))) / len(asked) if asked else 0.0


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
