"""AWS time, which may run faster than the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(frozen=True)
class _Stretch:
    wall: float
    aws: float
    scale: float


class AwsClock:
    """Maps wall time to AWS time; both are seconds since the epoch.

    `scale` is how many AWS seconds pass in one wall second. A change of scale applies from now on;
    what happened before keeps its AWS time, so metrics that were recorded with wall time stamps can
    still be placed.

    `notice_scale` compresses what a program on an instance sees and has to answer in real seconds:
    the spot notice and the heartbeat time-out of a lifecycle hook. It is at most 4, because the
    program itself runs in real time: it polls its metadata every two seconds, and a long poll of
    20 seconds that is under way when the drain begins has to end.
    """

    LARGEST_NOTICE_SCALE = 4.0

    def __init__(self, *, scale: float = 1.0, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        start = wall()
        self._stretches = [_Stretch(start, start, _valid(scale))]

    @property
    def scale(self) -> float:
        """AWS seconds per wall second, at present."""
        return self._stretches[-1].scale

    @property
    def notice_scale(self) -> float:
        """The same for what an instance's program is told to answer in real seconds."""
        return max(1.0, min(self.scale, self.LARGEST_NOTICE_SCALE))

    def set_scale(self, scale: float) -> None:
        """Run at another speed from now on."""
        now = self._wall()
        self._stretches.append(_Stretch(now, self.at(now), _valid(scale)))

    def wall(self) -> float:
        """The wall clock."""
        return self._wall()

    def now(self) -> float:
        """AWS time."""
        return self.at(self._wall())

    def at(self, wall: float) -> float:
        """The AWS time of a moment on the wall clock."""
        for stretch in reversed(self._stretches):
            if wall >= stretch.wall:
                return stretch.aws + (wall - stretch.wall) * stretch.scale
        first = self._stretches[0]
        return first.aws - (first.wall - wall)

    def wall_at(self, aws: float) -> float:
        """The moment on the wall clock of an AWS time."""
        for stretch in reversed(self._stretches):
            if aws >= stretch.aws:
                return stretch.wall + (aws - stretch.aws) / stretch.scale
        first = self._stretches[0]
        return first.wall - (first.aws - aws)


def _valid(scale: float) -> float:
    if not 0 < scale <= 3600:
        raise ValueError(f"time scale {scale} must be above 0 and at most 3600 (1 is real time)")
    return float(scale)
