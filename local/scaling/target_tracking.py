"""Target tracking: the alarms that EC2 Auto Scaling makes, and the capacity it computes.

Documented (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
and .../ec2-auto-scaling-default-instance-warmup.html):

- two alarms; the high one's threshold is the target value;
- capacity changes in proportion to the metric; a fraction of an instance is rounded up when adding
  (1.5 adds 2) and down when removing (1.5 removes 1), that is, the new capacity is rounded up;
- while scaling out, instances that warm up are not part of the current capacity, but what was
  already asked for counts: the desired capacity is never lowered by a scale-out;
- while scaling in, terminating instances are part of the current capacity;
- no scale-in while a scale-out is in progress, nor (default instance warm-up) until instances are
  warm; none without data, since the low alarm is then not in ALARM;
- scale-in only well below the target, "usually more than 10% lower"
  (https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html).

Not documented, and chosen here:

- how many data points the alarms take: 3 of 3 above the target and 15 of 15 below 90 % of it, one
  minute each, which is what the service's own alarms show when one looks at them;
- which data point the arithmetic uses: the newest one;
- capacity 0: proportional to nothing is nothing, so a group without warm instances is not scaled
  out by this policy. Pessimistic on purpose: a template has to wake its group by itself;
- "scales in more gradually": the slow alarm and the rounding. A caller may limit how many instances
  one decision removes (`most_removed`) to see what slower steps would cost. Policies that were made
  after November 2024 may also tune how fast they react; that only makes them faster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from local.scaling.alarms import AlarmRule, Comparison
from local.scaling.group import GroupState

HIGH_PERIODS = 3
LOW_PERIODS = 15
LOW_SHARE_OF_TARGET = 0.9
# Keeps 4.000000000000001 instances, a rounding error, from becoming 5.
ROUNDING_SLACK = 1e-9


@dataclass(frozen=True, kw_only=True)
class TargetTracking:
    """The numbers of a target-tracking configuration."""

    target: float
    disable_scale_in: bool = False
    most_removed: int | None = None

    @property
    def high_alarm(self) -> AlarmRule:
        """The alarm that scales out."""
        return AlarmRule(
            threshold=self.target,
            comparison=Comparison.ABOVE,
            evaluation_periods=HIGH_PERIODS,
            datapoints_to_alarm=HIGH_PERIODS,
        )

    @property
    def low_alarm(self) -> AlarmRule:
        """The alarm that scales in."""
        return AlarmRule(
            threshold=self.target * LOW_SHARE_OF_TARGET,
            comparison=Comparison.BELOW,
            evaluation_periods=LOW_PERIODS,
            datapoints_to_alarm=LOW_PERIODS,
        )

    def _proportional(self, capacity: int, metric: float) -> int:
        return math.ceil(capacity * metric / self.target - ROUNDING_SLACK)

    def scaled_out(self, group: GroupState, metric: float) -> int:
        """Desired capacity while the high alarm is in ALARM; never below the present one."""
        wanted = group.clamped(self._proportional(group.warm, metric))
        return max(group.desired, wanted)

    def scaled_in(self, group: GroupState, metric: float) -> int:
        """Desired capacity while the low alarm is in ALARM; never above the present one."""
        if self.disable_scale_in or group.growing:
            return group.desired
        wanted = self._proportional(group.leaving_too, metric)
        if self.most_removed is not None:
            wanted = max(wanted, group.desired - self.most_removed)
        return min(group.desired, group.clamped(wanted))
