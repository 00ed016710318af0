"""The figures that must be reached, from thresholds.json: kind -> rows -> figure -> bound.

A bound is {"at_least": 0.9} or {"at_most": 0.05}. Rows are named by what they have in common, the
search or the technique, or one by one as the table does, `s3_vectors, fixed_size-300, rag`; the
closer name counts. A figure that is bounded and was not measured is a failure as well, and so is a
row that nothing bounds: a gate beside the road protects nothing. Neither does a bound that every
figure keeps, so it is refused.
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
    for kind, named in content.items():
        for name, figures in named.items():
            for figure, bound in figures.items():
                _check(f"{path.name}: {kind}, {name}, {figure}", bound)
    found: Thresholds = content
    return found


def failures(rows: Sequence[Row], wanted: Thresholds, *, complete: bool) -> Iterator[str]:
    """A sentence for each figure that misses its bound: which, how much, and the bound.

    `complete`: everything that is bounded should have been measured.
    """
    for row in rows:
        bounds = _bounds(row, wanted)
        if not bounds:
            yield f"{_name(row)} was measured, but thresholds.json bounds nothing of it"
        for figure, bound in bounds.items():
            yield from _failure(row, figure, bound)
    known = {(row.kind, name) for row in rows for name in (row.variant, row.label)}
    for kind, named in wanted.items() if complete else ():
        for name in named:
            if (kind, name) not in known:
                yield f"{kind}, {name} was not measured, but thresholds.json bounds it"


def _bounds(row: Row, wanted: Thresholds) -> Mapping[str, Mapping[str, float]]:
    named = wanted.get(row.kind, {})
    return named.get(row.label, named.get(row.variant, {}))


def _name(row: Row) -> str:
    return f"{row.kind}, {row.label}"


def _failure(row: Row, figure: str, bound: Mapping[str, float]) -> Iterator[str]:
    name = f"{_name(row)}: {figure}"
    value = row.figures.get(figure)
    if value is None:
        yield f"{name} was not measured, but thresholds.json bounds it"
        return
    ((what, limit),) = bound.items()
    kept = value >= limit if what == "at_least" else value <= limit
    if not kept:  # a value that is no number keeps no bound
        yield f"{name} is {value:.3f}, the threshold is {what.replace('_', ' ')} {limit:g}"


def _check(place: str, bound: object) -> None:
    if isinstance(bound, dict) and len(bound) == 1:
        ((what, limit),) = bound.items()
        if what in BOUNDS and isinstance(limit, int | float) and _can_be_missed(what, limit):
            return
    raise ThresholdsError(
        f'{place}: is {bound!r}; write {{"at_least": n}} or {{"at_most": n}} '
        "with a share that can be missed"
    )


def _can_be_missed(what: str, limit: float) -> bool:
    """Figures are shares: none is below 0 or above 1."""
    return 0 < limit <= 1 if what == "at_least" else 0 <= limit < 1
