"""BM25 over the chunks of one store, for hybrid search.

The index is built again at the first search after a change: chunks change in bursts, with an
ingestion job, and a search between two of them finds it ready.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


class WordIndex:
    """Texts under row numbers. Not safe for several threads: its store holds the lock."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._index: Any = None

    def forget(self) -> None:
        """The texts have changed."""
        self._index = None

    def search(
        self,
        text: str,
        limit: int,
        texts: Mapping[int, str],
        among: Collection[int] | None = None,
    ) -> list[tuple[int, float]]:
        """Rows and BM25 scores above nothing, best first."""
        import bm25s
        import numpy

        if not texts:
            return []
        if self._index is None:
            self._rows = list(texts)
            self._index = bm25s.BM25()
            tokens = bm25s.tokenize(list(texts.values()), stopwords="en", show_progress=False)
            if not tokens.vocab:
                self._index = None
                return []
            self._index.index(tokens, show_progress=False)
        asked = bm25s.tokenize(text, stopwords="en", return_ids=False, show_progress=False)[0]
        known = [word for word in asked if word in self._index.vocab_dict]
        if not known:
            return []
        scores = self._index.get_scores(known)
        if among is not None:
            allowed = set(among)
            scores = numpy.where([row in allowed for row in self._rows], scores, 0)
        order = numpy.argsort(-scores, kind="stable")[:limit]
        return [(self._rows[at], float(scores[at])) for at in order if scores[at] > 0]
