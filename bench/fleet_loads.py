"""Loads that the simulated queue receives: messages per simulation step.

Sizes are relative to what the whole fleet can do per second (`full_rate`), so that one load means
the same for four instances and for thousands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Messages = NDArray[np.float64]
HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Load:
    """Arrivals per step, and what else happens: spot loss, a queue that CloudWatch forgot."""

    name: str
    arrivals: Messages
    step_seconds: int
    asleep: bool = False
    warm_start: bool = False
    spot_losses: tuple[tuple[int, float], ...] = ()
    spot_outage: tuple[int, int] = (0, 0)
    minimum: int | None = None
    maximum: int | None = None
    notes: str = field(default="")


def _times(hours: float, step: int) -> Messages:
    return np.arange(0, round(hours * HOUR), step, dtype=np.float64)


def loads(
    *, full_rate: float, step: int, billion: int = 5000, phase: int = 0
) -> Mapping[str, Load]:
    """All loads by name. `full_rate` is messages per second of the fleet at its maximum.

    Another `phase` varies heights and moments a little: what holds for one phase only is chance.
    """
    unit = full_rate * step * (1 + 0.05 * phase)
    shift = round(phase * 433 / step) * step
    hours3, hours6, day = _times(3, step), _times(6, step), _times(24, step)
    noise = np.random.default_rng(20_240_229 + phase).normal(1, 0.1, day.size).clip(0.5, 1.5)
    daily = (0.30 - 0.27 * np.cos(day / (24 * HOUR) * 2 * np.pi)) * noise
    trickle = np.zeros(hours3.size)
    trickle[:: max(1, 600 // step)] = 1.0
    chosen = (
        Load(
            name="step",
            arrivals=np.where(hours3 < 2 * HOUR, 0.5 * unit, 0.0),
            step_seconds=step,
            notes="from nothing to half of the fleet's maximum for two hours, then nothing",
        ),
        Load(
            name="ramp",
            arrivals=np.interp(hours6, [0, 2 * HOUR, 4 * HOUR], [0, 0.8 * unit, 0]),
            step_seconds=step,
            notes="up to 80 % of the maximum in two hours, down to nothing in two",
        ),
        Load(
            name="spike",
            arrivals=0.05 * unit
            + np.where((hours3 >= HOUR + shift) & (hours3 < HOUR + shift + 60), 15 * unit, 0.0)
            - np.where(hours3 >= 2 * HOUR, 0.05 * unit, 0.0),
            step_seconds=step,
            notes="5 % all along; after an hour, 15 minutes' worth of the maximum in one minute",
        ),
        Load(
            name="diurnal",
            arrivals=np.append(daily * unit, np.zeros(HOUR // step)),
            step_seconds=step,
            warm_start=True,
            notes="a day between 3 % and 57 % of the maximum, with 10 % noise",
        ),
        Load(
            name="trickle",
            arrivals=trickle,
            step_seconds=step,
            asleep=True,
            minimum=0,
            notes="one message every ten minutes, an empty group, a queue that CloudWatch forgot",
        ),
        Load(
            name="wake",
            arrivals=np.where((hours3 >= 600 + shift) & (hours3 < 660 + shift), 15 * unit, 0.0),
            step_seconds=step,
            minimum=0,
            notes="an empty group; 15 minutes' worth of the maximum in one minute",
        ),
        Load(
            name="spot-loss",
            arrivals=np.where(hours3 < 2 * HOUR, 0.5 * unit, 0.0),
            step_seconds=step,
            spot_losses=tuple((HOUR + shift + minute * 60, 0.3) for minute in range(3)),
            spot_outage=(HOUR + shift, HOUR + shift + 600),
            notes="step; after an hour 2/3 of the spot instances go, and none comes for 10 minutes",
        ),
        Load(
            name="billion",
            arrivals=np.where(hours6 < HOUR, 1e9 / HOUR * step, 0.0),
            step_seconds=step,
            maximum=billion,
            notes=f"a billion messages in an hour, at most {billion:,} instances",
        ),
    )
    return {load.name: load for load in chosen}
