"""Figures as a table, as JSON and as a plot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from evaluation.scores import CACHE, GENERATION, RETRIEVAL, Row

SEARCH_FIGURES = ("recall@1", "recall@5", "mrr@10", "ndcg@10")
ANSWER_FIGURES = (
    "answered",
    "refused",
    "citation_precision",
    "groundedness",
    "rouge_l",
)
CACHE_FIGURES = ("hit_rate", "false_hit_rate")
DEFAULT_TECHNIQUE = "rag"
WHOLE_NUMBERS = frozenset({"milliseconds"})


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the plot: a group of bars per row, a bar per figure."""

    title: str
    rows: Sequence[Row]
    figures: Sequence[str]


def table(rows: Sequence[Row]) -> str:
    """The rows as text, a block per kind."""
    return "\n\n".join(
        "\n".join(_block(kind, [row for row in rows if row.kind == kind]))
        for kind in dict.fromkeys(row.kind for row in rows)
    )


def _block(kind: str, rows: Sequence[Row]) -> Iterator[str]:
    figures = list(dict.fromkeys(name for row in rows for name in row.figures))
    widths = [max(len(name) + 2, 9) for name in figures]
    heads = "".join(f"{name:>{width}}" for name, width in zip(figures, widths, strict=True))
    yield f"{kind:<52}{'asked':>6}{heads}"
    for row in rows:
        values = (_cell(name, row.figures.get(name)) for name in figures)
        cells = "".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))
        yield f"{row.label:<52}{row.asked:>6}{cells}"


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if name in WHOLE_NUMBERS else f"{value:.3f}"


def write(
    rows: Sequence[Row], failed: Sequence[str], warnings: Sequence[str], folder: Path
) -> tuple[Path, Path]:
    """results.json and results.png."""
    folder.mkdir(parents=True, exist_ok=True)
    results, plot = folder / "results.json", folder / "results.png"
    content = {
        "rows": [asdict(row) for row in rows],
        "failures": list(failed),
        "warnings": list(warnings),
    }
    results.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draw(rows, plot)
    return results, plot


def panels(rows: Sequence[Row]) -> list[Panel]:
    """Searches; techniques where several were asked; stores and chunkings; the cache."""
    answers = [row for row in rows if row.kind == GENERATION]
    asked = Counter((row.store, row.chunking) for row in answers)
    by_technique = [row for row in answers if asked[row.store, row.chunking] > 1]
    by_store = [row for row in answers if row.variant == DEFAULT_TECHNIQUE]
    found = [
        Panel("searches", [row for row in rows if row.kind == RETRIEVAL], SEARCH_FIGURES),
        Panel("answers, technique by technique", by_technique, ANSWER_FIGURES),
        Panel(f"answers by {DEFAULT_TECHNIQUE}, store by store", by_store, ANSWER_FIGURES),
        Panel("the cache", [row for row in rows if row.kind == CACHE], CACHE_FIGURES),
    ]
    return [panel for panel in found if panel.rows]


def draw(rows: Sequence[Row], path: Path) -> None:
    """The panels, one below the other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = panels(rows)
    figure, axes = pyplot.subplots(
        max(1, len(shown)),
        1,
        figsize=(13, 4.2 * max(1, len(shown))),
        constrained_layout=True,
        squeeze=False,
    )
    for axis, panel in zip(axes.flat, shown, strict=False):
        width = 0.8 / len(panel.figures)
        for place, name in enumerate(panel.figures):
            axis.bar(
                [at + place * width for at in range(len(panel.rows))],
                [row.figures.get(name, 0) for row in panel.rows],
                width=width,
                label=name,
            )
        axis.set_title(panel.title, loc="left")
        axis.set_xticks(
            [at + 0.4 - width / 2 for at in range(len(panel.rows))],
            [row.label.replace("_", "_\n", 1).replace(", ", "\n") for row in panel.rows],
            fontsize=7,
        )
        axis.set_ylim(0, 1)
        axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
