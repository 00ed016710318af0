"""One ranking of what was found by vectors and by words.

As OpenSearch's normalization processor does by default: every list between its least and its best
score, weighed alike; the least of a list gets 0.001, so that it counts
(https://docs.opensearch.org/latest/search-plugins/search-pipelines/normalization-processor/).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Found = TypeVar("Found", bound=Hashable)
CANDIDATES = 100  # of either kind, before they are blended
LEAST = 0.001


def blended(*rankings: Sequence[tuple[Found, float]]) -> list[tuple[Found, float]]:
    """Everything that any of the rankings holds, best first."""
    total: dict[Found, float] = {}
    for ranking in rankings:
        for found, share in _normalized(ranking):
            total[found] = total.get(found, 0.0) + share / len(rankings)
    return sorted(total.items(), key=lambda each: -each[1])


def _normalized(ranking: Sequence[tuple[Found, float]]) -> list[tuple[Found, float]]:
    if not ranking:
        return []
    least = min(score for _, score in ranking)
    spread = max(score for _, score in ranking) - least
    if spread == 0:
        return [(found, 1.0) for found, _ in ranking]
    return [(found, max((score - least) / spread, LEAST)) for found, score in ranking]
