"""Searches the knowledge base.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Retrieve.html
"""

from __future__ import annotations

from chat.passages import passages_of
from edge.errors import AwsError
from edge.http_api import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from chat.passages import Passage

    Call = Callable[..., dict[str, Any]]

LONGEST_QUERY = 1_000
"""Characters, Bedrock's limit."""
RERANKED_FROM = 4
"""With reranking, as many times more chunks are searched as are kept."""
RESUMING = ("resuming", "auto-paused", "starting up")


class Retrieval:
    """One knowledge base, and how it is searched."""

    def __init__(
        self,
        call: Call,
        *,
        knowledge_base_id: str,
        chunks: int,
        search_type: str = "",
        rerank_model_arn: str = "",
        least_score: float = 0.0,
    ) -> None:
        self._call = call
        self._id = knowledge_base_id
        self._chunks = chunks
        self._search_type = search_type
        self._rerank = rerank_model_arn
        self._least = least_score

    @property
    def described(self) -> str:
        """What the answers to one question differ by."""
        return f"{self._id} {self._chunks} {self._search_type} {self._rerank} {self._least}"

    def search(self, query: str, *, filter: Mapping[str, Any] | None) -> list[Passage]:  # noqa: A002
        """The chunks that fit a query best, none below the least score. Raises Problem for a filter
        that is refused, or while the store starts; AwsError.
        """
        search: dict[str, Any] = {
            "numberOfResults": self._chunks * (RERANKED_FROM if self._rerank else 1)
        }
        if self._search_type:
            search["overrideSearchType"] = self._search_type
        if filter:
            search["filter"] = dict(filter)
        if self._rerank:
            search["rerankingConfiguration"] = {
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": {
                    "modelConfiguration": {"modelArn": self._rerank},
                    "numberOfRerankedResults": self._chunks,
                },
            }
        try:
            answer = self._call(
                "bedrock-agent-runtime",
                "Retrieve",
                knowledgeBaseId=self._id,
                retrievalQuery={"text": query[:LONGEST_QUERY]},
                retrievalConfiguration={"vectorSearchConfiguration": search},
            )
        except AwsError as error:
            raise _explained(error, filtered=bool(filter)) from error
        results = answer.get("retrievalResults") or ()
        near = [each for each in results if float(each.get("score", 1)) >= self._least]
        return passages_of(near)[: self._chunks]


def _explained(error: AwsError, *, filtered: bool) -> Exception:
    if error.code != "ValidationException":
        return error
    if any(sign in error.message.lower() for sign in RESUMING):
        return Problem(
            503,
            "Starting",
            "the vector store has been idle and starts now; try again in 20 seconds",
            headers={"retry-after": "20"},
        )
    if filtered and "filter" in error.message.lower():
        return Problem(
            400,
            "Invalid request",
            "1 problem; nothing was asked",
            errors=[
                {"field": "filter", "problem": error.message[:300], "remedy": "correct the filter"}
            ],
        )
    return error
