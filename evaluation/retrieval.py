"""Ranked lists against the documents that answer: recall, reciprocal rank, discounted gain.

A rank is a chunk's, as k chunks are what a model is shown. A document counts once, at its best one.
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
    first: dict[str, int] = {}
    for rank, document in enumerate(ranked[:k], start=1):
        first.setdefault(document, rank)
    gain = sum(1 / math.log2(rank + 1) for name, rank in first.items() if name in right)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(set(right)), k) + 1))
    return gain / best
