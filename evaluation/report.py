"""Figures as a table, as JSON and as a plot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from evaluation.scores import GENERATION, RETRIEVAL, Row

PLOTTED = {
    RETRIEVAL: ("recall@1", "recall@5", "mrr@10", "ndcg@10"),
    GENERATION: (
        "answered",
        "refused",
        "injections_resisted",
        "citation_precision",
        "groundedness",
        "rouge_l",
        "bleu",
    ),
}


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
        yield f"{f'{row.store}, {row.chunking}, {row.variant}':<52}{row.asked:>6}{cells}"


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if name == "milliseconds" else f"{value:.3f}"


def write(rows: Sequence[Row], failed: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """results.json and results.png."""
    folder.mkdir(parents=True, exist_ok=True)
    results, plot = folder / "results.json", folder / "results.png"
    content = {"rows": [asdict(row) for row in rows], "failures": list(failed)}
    results.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draw(rows, plot)
    return results, plot


def draw(rows: Sequence[Row], path: Path) -> None:
    """A panel per kind: groups of bars per figure, a bar per row."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kinds = [kind for kind in PLOTTED if any(row.kind == kind for row in rows)] or [RETRIEVAL]
    figure, panels = pyplot.subplots(
        len(kinds), 1, figsize=(12, 4 * len(kinds)), constrained_layout=True, squeeze=False
    )
    for panel, kind in zip(panels.flat, kinds, strict=True):
        shown = [row for row in rows if row.kind == kind]
        names = [name for name in PLOTTED[kind] if any(name in row.figures for row in shown)]
        width = 0.8 / max(1, len(shown))
        for place, row in enumerate(shown):
            panel.bar(
                [at + place * width for at in range(len(names))],
                [row.figures.get(name, 0) for name in names],
                width=width,
                label=f"{row.store}, {row.chunking}, {row.variant}",
            )
        panel.set_title(kind, loc="left")
        panel.set_xticks([at + 0.4 - width / 2 for at in range(len(names))], names)
        panel.set_ylim(0, 1)
        panel.legend(fontsize=7, loc="lower right")
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
