"""Draw simulated runs: backlog, instances that work and instances that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

from bench.fleet_world import Run

matplotlib.use("Agg")

BACKLOG, DESIRED, WORKING = "#9ecae1", "#d95f02", "#1b7837"


def draw(runs: Sequence[Run], path: Path) -> None:
    """One panel per run, two in a row; backlog on the left axis, instances on the right one."""
    from matplotlib import pyplot
    from matplotlib.ticker import EngFormatter, MaxNLocator

    rows = -(-len(runs) // 2)
    figure, panels = pyplot.subplots(
        rows, 2, figsize=(15, 3 * rows), constrained_layout=True, squeeze=False
    )
    for panel in panels.flat[len(runs) :]:
        panel.set_axis_off()
    for panel, run in zip(panels.flat, runs, strict=False):
        hours = np.arange(run.backlog.size) * run.load.step_seconds / 3600
        area = panel.fill_between(hours, run.backlog, color=BACKLOG)
        panel.set_title(f"{run.load.name}: {run.load.notes}", fontsize=9, loc="left", wrap=True)
        panel.set(xlim=(0, hours[-1]), ylabel="messages")
        panel.set_ylim(bottom=0)
        panel.yaxis.set_major_formatter(EngFormatter(sep=""))
        panel.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        instances = panel.twinx()
        lines = [
            *instances.step(hours, run.desired, color=DESIRED, linewidth=1, where="post"),
            *instances.plot(hours, run.working, color=WORKING, linewidth=1.4),
        ]
        instances.set_ylim(bottom=0)
        instances.set_ylabel("instances")
        instances.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    for panel in panels[-1]:
        panel.set_xlabel("hours")
    figure.legend(
        [area, *lines],
        ["backlog", "instances desired", "instances working"],
        loc="outside upper center",
        ncols=3,
        frameon=False,
    )
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
