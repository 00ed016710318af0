"""When requests arrive: a trace from a file, or a generated one.

A trace file has a line per request, `seconds` or `seconds,milliseconds`: when it arrived after the
first midnight of the trace, a Monday's, and how long the function worked on it.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path

HOUR = 3600.0
DAY = 24 * HOUR
PATTERNS = ("diurnal", "bursty", "steady")


class TraceError(Exception):
    """A trace that cannot be read; the message names the line and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Arrivals in ascending order and how long each request takes, in seconds."""

    arrivals: list[float]
    durations: list[float]
    days: float


def read(path: Path, *, duration: float) -> Traffic:
    """Read a trace; `duration` (seconds) is for the lines that give none."""
    requests: list[tuple[float, float]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: {error}; name a text file") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            at, _, milliseconds = line.partition(",")
            request = float(at), float(milliseconds) / 1000 if milliseconds else duration
        except ValueError:
            request = (-1.0, 0.0)
        if not (0 <= request[0] < math.inf and 0 <= request[1] < math.inf):
            raise TraceError(
                f"{path}, line {number}: {line!r}; write seconds or seconds,milliseconds"
            )
        requests.append(request)
    if not requests:
        raise TraceError(f"{path}: no request in it; write one line per request")
    requests.sort()
    days = max(1.0, math.ceil(requests[-1][0] / DAY))
    return Traffic(
        arrivals=[at for at, _ in requests], durations=[length for _, length in requests], days=days
    )


def generate(pattern: str, *, per_day: float, duration: float, days: int, seed: int) -> Traffic:
    """A random trace whose days have `per_day` requests on average.

    `steady`: a Poisson process. `diurnal`: its rate follows the day from 10 % at four in the
    morning to 190 % at four in the afternoon, and falls to a quarter at the weekend. `bursty`:
    diurnal, but nine tenths of the requests come in bursts of 5 to 40 within two seconds, as pages
    and batch jobs make them. Durations scatter by a log-normal factor around `duration`.
    """
    generator = random.Random(seed)  # nosec B311 - a simulation
    burst = 1 + 0.9 * 21.5 if pattern == "bursty" else 1.0
    weekly = 1.0 if pattern == "steady" else 7 / 5.5
    peak = per_day * weekly * (1.0 if pattern == "steady" else 1.9) / DAY / burst
    arrivals: list[float] = []
    at = 0.0
    while peak:
        at += generator.expovariate(peak)
        if at >= days * DAY:
            break
        if pattern != "steady" and generator.random() > _share_of_peak(at):
            continue
        arrivals.append(at)
        if pattern == "bursty" and generator.random() < 0.9:
            size = generator.randint(4, 39)
            arrivals.extend(at + generator.uniform(0, 2) for _ in range(size))
    arrivals.sort()
    durations = [duration * generator.lognormvariate(-0.08, 0.4) for _ in arrivals]
    return Traffic(arrivals=arrivals, durations=durations, days=days)


def _share_of_peak(at: float) -> float:
    hour = at % DAY / HOUR
    of_day = (1 - 0.9 * math.cos((hour - 4) / 24 * 2 * math.pi)) / 1.9
    return of_day if at // DAY % 7 < 5 else of_day / 4
