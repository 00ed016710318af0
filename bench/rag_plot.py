"""Draw recall over latency: a panel per size, a line per graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.rag import Point


def draw(points: Sequence[Point], path: Path, *, least: float) -> None:
    """The default is ringed, the least recall is a line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = sorted({point.size for point in points})
    figure, panels = pyplot.subplots(
        1, len(sizes), figsize=(7 * len(sizes), 5), constrained_layout=True, squeeze=False
    )
    for panel, size in zip(panels.flat, sizes, strict=True):
        here = [point for point in points if point.size == size]
        for m, ef_construction in dict.fromkeys((each.m, each.ef_construction) for each in here):
            line = [p for p in here if (p.m, p.ef_construction) == (m, ef_construction)]
            panel.plot(
                [each.p50_ms for each in line],
                [each.recall for each in line],
                marker="o",
                markersize=3,
                label=f"m {m}, ef_construction {ef_construction}",
            )
        for point in here:
            if point.default:
                panel.plot(point.p50_ms, point.recall, "o", markersize=12, mfc="none", mec="black")
        panel.axhline(least, color="grey", linewidth=0.8, linestyle="--")
        panel.set(
            title=f"{size:,} chunks", xlabel="p50 ms of a search", ylabel="recall@10", xscale="log"
        )
        panel.legend(fontsize=8)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
