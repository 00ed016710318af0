"""What state a CloudWatch alarm is in, given the data points that have arrived.

`evaluate(rule, points, previous)` follows "Evaluating an alarm" and "How alarm state is evaluated
when data is missing" of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html :
CloudWatch retrieves more data points than the rule evaluates (the documented examples: five for
three) and uses the newest that exist; only when fewer exist than it evaluates does the treatment of
missing data matter. How many more is not documented; two, as in the examples, is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from local.scaling.series import Points, existing

EXTRA_POINTS = 2


class AlarmState(StrEnum):
    """The three states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Comparison(StrEnum):
    """How a data point has to relate to the threshold to breach it."""

    ABOVE = "GreaterThanThreshold"
    AT_OR_ABOVE = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"
    AT_OR_BELOW = "LessThanOrEqualToThreshold"

    def breached(self, point: float, threshold: float) -> bool:
        """Whether the data point breaches the threshold."""
        if self is Comparison.ABOVE:
            return point > threshold
        if self is Comparison.AT_OR_ABOVE:
            return point >= threshold
        if self is Comparison.BELOW:
            return point < threshold
        return point <= threshold


class MissingData(StrEnum):
    """What to assume of data points that did not arrive."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """Threshold, and how many of how many data points have to breach it."""

    threshold: float
    comparison: Comparison
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: MissingData = MissingData.MISSING

    @property
    def evaluation_range(self) -> int:
        """How many periods CloudWatch looks back."""
        return self.evaluation_periods + EXTRA_POINTS


def evaluate(rule: AlarmRule, points: Points, previous: AlarmState) -> AlarmState:
    """The alarm's state; `points` are the newest `rule.evaluation_range` periods, oldest first."""
    present = existing(points)[-rule.evaluation_periods :]
    breaching = sum(rule.comparison.breached(point, rule.threshold) for point in present)
    absent = rule.evaluation_periods - len(present)
    enough = AlarmState.ALARM if breaching >= rule.datapoints_to_alarm else AlarmState.OK
    if absent <= 0 or rule.missing_data is MissingData.NOT_BREACHING:
        return enough
    if rule.missing_data is MissingData.BREACHING:
        breached = breaching + absent >= rule.datapoints_to_alarm
        return AlarmState.ALARM if breached else AlarmState.OK
    if len(present) > breaching or breaching >= rule.datapoints_to_alarm:
        return enough
    if rule.missing_data is MissingData.IGNORE:
        return previous
    if breaching and _age_of_oldest(points) >= rule.datapoints_to_alarm:
        return AlarmState.ALARM
    return AlarmState.INSUFFICIENT_DATA


def _age_of_oldest(points: Points) -> int:
    """How many periods ago the oldest data point that exists was due; 0 is the newest period."""
    oldest = next(slot for slot, point in enumerate(points) if point is not None)
    return len(points) - 1 - oldest
