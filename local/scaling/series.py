"""Time series as CloudWatch shows them: one slot per period, and slots without data.

All series of one evaluation share one grid: slot i is the same minute in each of them. The oldest
slot comes first. `None` is a period for which no data point has arrived.
"""

from __future__ import annotations

from collections.abc import Sequence

Points = Sequence[float | None]
Series = tuple[float | None, ...]


def existing(points: Points) -> list[float]:
    """The data points that did arrive, oldest first."""
    return [point for point in points if point is not None]


def newest(points: Points) -> float | None:
    """The newest data point that did arrive."""
    for point in reversed(points):
        if point is not None:
            return point
    return None
