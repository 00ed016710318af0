"""What the benchmark prints: medians, ratios, and whether the figures to reach were reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.worker_run import Figures

OURS = "groundwork"
MOST_CALLS_PER_THOUSAND = 205.0
MOST_MEGABYTES = 50.0
MOST_IDLE_CALLS = 1.0
LEAST_RATE_RATIO = 1.3
HEADER = (
    f"{'client':<14} {'CPU s/million':>14} {'ours':>7} {'calls/1,000':>12} {'peak MB':>8}"
    f" {'messages/s':>11} {'ours':>7}"
)

Runs = Mapping[str, Sequence[Figures]]
"""The runs of each client; the same place in two lists is the same round."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure to reach: `reached` is the measured value, `limit` what it may be."""

    what: str
    reached: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure was reached."""
        return self.reached >= self.limit if self.at_least else self.reached <= self.limit

    def __str__(self) -> str:
        relation = "at least" if self.at_least else "at most"
        verdict = "reached" if self.met else "MISSED"
        return f"  {verdict:<8} {self.what}: {self.reached:.3g} ({relation} {self.limit:.3g})"


def table(runs: Runs) -> list[str]:
    """One line per client; ratios are medians over the rounds of ours against the client."""
    return [HEADER, *(_row(name, runs) for name in runs)]


def _row(name: str, runs: Runs) -> str:
    found = runs[name]
    if not found:
        return f"{name:<14} did not run (see above)"
    return (
        f"{name:<14} {median(f.processor for f in found):>14,.1f}"
        f" {_share(_processor_ratio(runs, name)):>7}"
        f" {median(f.calls for f in found):>12,.1f} {max(f.megabytes for f in found):>8.1f}"
        f" {median(f.rate for f in found):>11,.0f} {_times(_rate_ratio(runs, name)):>7}"
    )


def processor_goals(runs: Runs, *, title: str, most: Mapping[str, int]) -> list[Goal]:
    """Processor time per message against each peer: at most one `most[peer]`th."""
    return [
        Goal(
            what=f"{title}: {peer}'s CPU per message over ours",
            reached=1 / ratio,
            limit=part,
            at_least=True,
        )
        for peer, part in most.items()
        if (ratio := _processor_ratio(runs, peer)) is not None
    ]


def own_goals(runs: Runs, *, title: str) -> list[Goal]:
    """API calls and memory."""
    ours = runs[OURS]
    if not ours:
        return []
    calls = median(figures.calls for figures in ours)
    memory = max(figures.megabytes for figures in ours)
    return [
        Goal(what=f"{title}: calls/1,000", reached=calls, limit=MOST_CALLS_PER_THOUSAND),
        Goal(what=f"{title}: peak MB per process", reached=memory, limit=MOST_MEGABYTES),
    ]


def rate_goals(runs: Runs, *, title: str, peer: str) -> list[Goal]:
    """Throughput against a peer."""
    ratio = _rate_ratio(runs, peer)
    if ratio is None:
        return []
    what = f"{title}: our messages/s over {peer}'s"
    return [Goal(what=what, reached=ratio, limit=LEAST_RATE_RATIO, at_least=True)]


def idle_goal(calls: float) -> Goal:
    """Calls on an empty queue."""
    return Goal(
        what="idle: calls in 20 s per process", reached=round(calls, 1), limit=MOST_IDLE_CALLS
    )


def _processor_ratio(runs: Runs, peer: str) -> float | None:
    pairs = list(zip(runs[OURS], runs.get(peer, ()), strict=False))
    return median(ours.processor / theirs.processor for ours, theirs in pairs) if pairs else None


def _rate_ratio(runs: Runs, peer: str) -> float | None:
    pairs = list(zip(runs[OURS], runs.get(peer, ()), strict=False))
    return median(ours.rate / theirs.rate for ours, theirs in pairs) if pairs else None


def _share(ratio: float | None) -> str:
    return "-" if ratio is None or ratio == 1 else f"1/{1 / ratio:.1f}"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None or ratio == 1 else f"{ratio:.2f}x"
