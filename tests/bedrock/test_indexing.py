"""Documents that wait together are indexed each by itself where the store refuses one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from local.bedrock.indexing import Indexer, ToIndex
from local.bedrock.knowledge_bases import DataSource
from local.bedrock.sync_state import SourceState
from local.models.client import ModelsError
from local.stores.s3_vectors import IndexOfVectors
from local.stores.s3_vectors_store import S3VectorsStore

DIMENSION = 4
TOO_LONG = {"long": "x" * 3000}


class Models:
    """Vectors by a text's length; a text of `Unreadable` is refused."""

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        if any(text.startswith("Unreadable") for text in texts):
            raise ModelsError("no vector for this")
        return [[1.0, len(text) / 100, 0.0, 0.0] for text in texts]


class Indexing:
    """An index of S3 Vectors, which refuses large metadata, and what is said of each document."""

    def __init__(self) -> None:
        index = IndexOfVectors(
            arn="arn",
            dimension=DIMENSION,
            distance_metric="cosine",
            non_filterable=["AMAZON_BEDROCK_TEXT", "AMAZON_BEDROCK_METADATA"],
        )
        self.store = S3VectorsStore(index)
        self.said: dict[str, str] = {}
        models: Any = Models()
        source = DataSource(
            id="D", knowledge_base_id="K", kind="S3", bucket="b", prefixes=[], chunking=None,
            transformed=False,
        )  # fmt: skip
        self.indexer = Indexer(
            models=models,
            store=self.store,
            source=source,
            state=SourceState(),
            done=self.said.__setitem__,
        )

    def index(self, *documents: ToIndex) -> None:
        for each in documents:
            self.indexer.add(each)
        self.indexer.flush()

    def texts(self) -> list[str]:
        hits = self.store.search(vector=[1.0, 0.0, 0.0, 0.0], limit=100)
        return sorted(hit.chunk.text for hit in hits)


@pytest.mark.parametrize(
    "bad",
    [ToIndex(uri="bad", text="Bad.", metadata=TOO_LONG), ToIndex(uri="bad", text="Unreadable.")],
    ids=["metadata", "text"],
)
def test_a_bad_document_fails_alone(bad: ToIndex) -> None:
    indexing = Indexing()
    indexing.index(ToIndex(uri="known", text="Known."))
    indexing.index(
        ToIndex(uri="one", text="One."), bad, ToIndex(uri="known", text="Again.", known=True)
    )
    assert indexing.said.pop("bad")
    assert indexing.said == {"one": "", "known": ""}
    assert indexing.texts() == ["Again.", "One."]


def test_a_document_that_is_refused_keeps_what_was_indexed_of_it() -> None:
    indexing = Indexing()
    indexing.index(ToIndex(uri="known", text="Known."))
    indexing.index(ToIndex(uri="known", text="Changed.", metadata=TOO_LONG, known=True))
    assert indexing.said["known"] and indexing.texts() == ["Known."]


def test_a_document_that_became_shorter_leaves_nothing_behind() -> None:
    indexing = Indexing()
    long = " ".join(f"Sentence number {number} says something." for number in range(400))
    indexing.index(ToIndex(uri="known", text=long), ToIndex(uri="other", text="Other."))
    assert len(indexing.texts()) > 2
    indexing.index(ToIndex(uri="known", text="Short.", known=True))
    assert indexing.texts() == ["Other.", "Short."]
