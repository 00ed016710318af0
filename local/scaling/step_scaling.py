"""Step scaling: the adjustment that belongs to the size of an alarm's breach.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html documents: bounds
are relative to the alarm's threshold; above the threshold the lower bound is inclusive and the
upper exclusive, below it the other way round; percentages round towards zero, but never to zero;
instances that warm up are not part of the current capacity, and what was already asked for counts,
so alarms that repeat within one step add up to one change. Which data point is compared when the
alarm evaluates several is "the most recent" aggregated one: here, the newest that exists.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from local.scaling.group import GroupState


class AdjustmentType(StrEnum):
    """What the number of an adjustment means."""

    CHANGE = "ChangeInCapacity"
    EXACT = "ExactCapacity"
    PERCENT = "PercentChangeInCapacity"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step; bounds relative to the threshold, None for no bound."""

    lower: float | None
    upper: float | None
    adjustment: int

    def covers(self, breach: float) -> bool:
        """Whether a metric that lies `breach` above (or, if negative, below) the threshold fits."""
        low = -math.inf if self.lower is None else self.lower
        high = math.inf if self.upper is None else self.upper
        return low <= breach < high if breach >= 0 else low < breach <= high


@dataclass(frozen=True, kw_only=True)
class StepScaling:
    """The numbers of a step-scaling policy."""

    adjustment_type: AdjustmentType
    steps: tuple[Step, ...]
    minimum_magnitude: int = 0

    def scaled(self, group: GroupState, *, metric: float, threshold: float) -> int:
        """Desired capacity when the policy's alarm is in ALARM with this metric value.

        Scale-in is not done while a scale-out is under way.
        """
        step = next((step for step in self.steps if step.covers(metric - threshold)), None)
        if step is None:
            return group.desired
        if self.adjustment_type is AdjustmentType.EXACT:
            wanted = step.adjustment
            return self._allowed(group, wanted, shrinks=wanted < group.desired)
        shrinks = step.adjustment < 0
        capacity = group.leaving_too if shrinks else group.warm
        return self._allowed(group, capacity + self._change(capacity, step), shrinks=shrinks)

    def _change(self, capacity: int, step: Step) -> int:
        if self.adjustment_type is AdjustmentType.CHANGE:
            return step.adjustment
        change = capacity * step.adjustment / 100
        rounded = math.floor(abs(change)) if abs(change) > 1 else math.ceil(abs(change))
        magnitude = max(rounded, self.minimum_magnitude if step.adjustment else 0)
        return magnitude if step.adjustment > 0 else -magnitude

    @staticmethod
    def _allowed(group: GroupState, wanted: int, *, shrinks: bool) -> int:
        if not shrinks:
            return max(group.desired, group.clamped(wanted))
        return group.desired if group.growing else min(group.desired, group.clamped(wanted))
