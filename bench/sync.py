"""Synchronisation: reconnecting devices, full against changes-only reads, subscribers, conflicts.

The stack is deployed to the local AWS by the CDK CLI, and asked by the real client in Node and by
plain requests (bench/sync_measures.mjs). Times are those of the local AppSync on this machine, not
of AWS: what travels is how they grow.

    python -m bench.sync           100,000 rows at most; some minutes
    python -m bench.sync --quick   10,000 rows at most
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.session import LocalAws
from tests import sync_backend
from tests.sync_backend import VARIABLE, built_client, deploy

MEASURES = Path(__file__).parent / "sync_measures.mjs"
PLOT = Path(__file__).parent / "out" / "sync.png"
ROWS, QUICK_ROWS = (1_000, 10_000, 30_000, 100_000), (1_000, 10_000)
CLIENT_ROWS = 10_000
"""Above, the IndexedDB of the tests, which is one of memory, is what would be measured."""
CHANGES = 100
SUBSCRIBERS = (1, 10, 50, 100)
ROUNDS, FAN_OUT_ROUNDS, CONFLICTS = 15, 20, 400
MEASURE_SECONDS = 1_800
BASE, DELTA = "#d95f02", "#1b7837"


def measure(described: Path, *arguments: object) -> Any:
    """Run one measure in Node; what it prints."""
    outcome = subprocess.run(
        ["node", str(MEASURES), *map(str, arguments)],
        env={**os.environ, VARIABLE: str(described)},
        capture_output=True,
        text=True,
        timeout=MEASURE_SECONDS,
        check=False,
    )
    if outcome.returncode:
        raise SystemExit(f"error: {' '.join(map(str, arguments))} failed: {outcome.stderr[-2000:]}")
    return json.loads(outcome.stdout)


def milliseconds(measured: Mapping[str, Sequence[float]]) -> str:
    """Median and worst."""
    times = measured["milliseconds"]
    return f"median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms"


def main(arguments: Sequence[str]) -> int:
    """Print every table, draw the plot."""
    quick = "--quick" in arguments
    for mode in ("device", "app"):
        built_client(mode)
    with tempfile.TemporaryDirectory() as folder, LocalAws(state=Path(folder) / "state") as aws:
        deploy(aws)
        described = sync_backend.described(aws, Path(folder))
        reconnect = measure(described, "reconnect", ROUNDS)
        print(f"\nreconnect to converged, two devices and the server: {milliseconds(reconnect)}")
        by_rows = _rows(described, QUICK_ROWS if quick else ROWS)
        print("\n| subscribers | a mutation until the last has it |\n| --- | --- |")
        for subscribers in SUBSCRIBERS:
            measured = measure(described, "fanOut", subscribers, FAN_OUT_ROUNDS)
            print(f"| {subscribers} | {milliseconds(measured)} |")
        print("\n| conflict | mutations a second |\n| --- | --- |")
        for name, rate in measure(described, "conflicts", CONFLICTS).items():
            print(f"| {name} | {rate:.0f} |")
    draw(by_rows, PLOT)
    print(f"\nplot: {PLOT}")
    return 0


def _rows(described: Path, counts: Sequence[int]) -> Mapping[int, Any]:
    print(
        f"\n| rows | full read, s | pages | MB | {CHANGES} changes, s | pages "
        "| client: first start, s | client: back, s |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    measured = {}
    for count in counts:
        with_client = int(count <= CLIENT_ROWS)
        found = measure(described, "rows", count, CHANGES, with_client)
        base, delta = found["base"], found["delta"]
        client = (
            f"{found['clientSeconds']:.1f} | {found['clientBackSeconds']:.2f}"
            if with_client
            else "| "
        )
        print(
            f"| {count:,} | {base['seconds']:.2f} | {base['pages']} | {base['bytes'] / 1e6:.1f} "
            f"| {delta['seconds']:.3f} | {delta['pages']} | {client} |",
            flush=True,
        )
        measured[count] = found
    return measured


def draw(measured: Mapping[int, Any], path: Path) -> None:
    """Full and changes-only reads over the number of rows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(7, 4), constrained_layout=True)
    counts = sorted(measured)
    for name, color, label in (
        ("base", BASE, "full read"),
        ("delta", DELTA, f"{CHANGES} changes"),
    ):
        seconds = [measured[count][name]["seconds"] for count in counts]
        panel.plot(counts, seconds, "o-", color=color, label=label)
        panel.annotate(f"{seconds[-1]:.2g} s", (counts[-1], seconds[-1]), (6, 0),
                       textcoords="offset points", va="center", color=color)  # fmt: skip
    panel.set(xscale="log", yscale="log", xlabel="rows in the table", ylabel="seconds")
    panel.set_xlim(right=counts[-1] * 2.5)
    panel.legend(frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
