"""Ranked lists against the documents that answer: recall, reciprocal rank, discounted gain.

A few lines instead of a package with scipy under it; tests hold them equal to ir-measures.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def recall(ranked: Sequence[str], right: Collection[str], k: int) -> float:
    """Share of the right documents that are among the first k."""
    return len(set(ranked[:k]) & set(right)) / len(set(right))


def reciprocal_rank(ranked: Sequence[str], right: Collection[str], k: int) -> float:
    """One over the rank of the first right document, 0 beyond k."""
    ranks = (rank for rank, document in enumerate(ranked[:k], start=1) if document in right)
    return 1 / next(ranks, math.inf)


def ndcg(ranked: Sequence[str], right: Collection[str], k: int) -> float:
    """Gain discounted by rank, in units of the best possible; every right document counts 1."""
    gain = sum(
        1 / math.log2(rank + 1)
        for rank, document in enumerate(ranked[:k], start=1)
        if document in right
    )
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(set(right)), k) + 1))
    return gain / best


def documents_of(ranked: Sequence[str]) -> list[str]:
    """The documents of ranked chunks: each at the rank of its best chunk."""
    return list(dict.fromkeys(ranked))
