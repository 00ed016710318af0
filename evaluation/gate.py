"""The figures that must be reached, from thresholds.json: kind -> variant -> figure -> bound.

A bound is {"at_least": 0.9} or {"at_most": 0.05}. A figure that is bounded and was not measured is
a failure as well: a gate that nobody walks through protects nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.scores import Row

THRESHOLDS = Path(__file__).parent / "thresholds.json"
BOUNDS = ("at_least", "at_most")


class ThresholdsError(ValueError):
    """The file of thresholds is wrong; the message names the place and the remedy."""


Thresholds = Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]


def thresholds(path: Path = THRESHOLDS) -> Thresholds:
    """Read and check them. Raises ThresholdsError."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ThresholdsError(f"{path}: {error}; write JSON as docs/evaluation.md says") from error
    for kind, variants in content.items():
        for variant, figures in variants.items():
            for figure, bound in figures.items():
                _check(f"{path.name}: {kind}.{variant}.{figure}", bound)
    found: Thresholds = content
    return found


def failures(rows: Sequence[Row], wanted: Thresholds) -> Iterator[str]:
    """A sentence for each figure that misses its bound: which, how much, and the bound."""
    for kind, variants in wanted.items():
        for variant, bounds in variants.items():
            measured = [row for row in rows if (row.kind, row.variant) == (kind, variant)]
            if not measured:
                yield f"{kind}.{variant} was not measured, but thresholds.json bounds it"
            for row in measured:
                for figure, bound in bounds.items():
                    yield from _failure(row, figure, bound)


def _failure(row: Row, figure: str, bound: Mapping[str, float]) -> Iterator[str]:
    name = f"{row.kind}.{row.variant}.{figure} of {row.store}, {row.chunking} chunks"
    value = row.figures.get(figure)
    if value is None:
        yield f"{name} was not measured, but thresholds.json bounds it"
        return
    ((what, limit),) = bound.items()
    if (value < limit) if what == "at_least" else (value > limit):
        yield f"{name} is {value:.3f}, the threshold is {what.replace('_', ' ')} {limit:g}"


def _check(place: str, bound: object) -> None:
    if isinstance(bound, dict) and len(bound) == 1:
        ((what, limit),) = bound.items()
        if what in BOUNDS and isinstance(limit, int | float):
            return
    raise ThresholdsError(f'{place}: is {bound!r}; write {{"at_least": n}} or {{"at_most": n}}')
