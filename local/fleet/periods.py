"""CloudWatch's data points in AWS time: put one, and read the newest periods.

The emulated CloudWatch keeps points at wall-clock moments, so that anybody can query them; here
they are placed on the AWS clock, which may run faster. A period is visible when it is over, so a
sample taken at the beginning of a minute is seen one minute later. That is about what a queue's
metric takes in an account
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from local.fleet.clock import AwsClock
from local.metric_store import put_metric
from local.scaling.metric_spec import MetricSource, ReadMetric
from local.scaling.series import Points

# How far out of order points may be stored; they arrive with log lines.
DISORDER_SECONDS = 900.0


class PeriodStore:
    """Reads and writes MiniStack's table of metrics."""

    def __init__(self, clock: AwsClock) -> None:
        self._clock = clock

    def put(
        self,
        namespace: str,
        values: Mapping[str, float],
        *,
        dimensions: Mapping[str, str],
        at: float,
    ) -> None:
        """Store one value per metric name at an AWS time."""
        for name, value in values.items():
            put_metric(
                namespace=namespace,
                name=name,
                dimensions=dimensions,
                value=value,
                unit="Count",
                at=self._clock.wall_at(at),
            )

    def reader(self, now: float) -> ReadMetric:
        """Read the periods that are over at this AWS time."""

        def read(source: MetricSource, count: int) -> Points:
            end = math.floor(now / source.period_seconds) * source.period_seconds
            return self._periods(source, count, end=end)

        return read

    def _periods(self, source: MetricSource, count: int, *, end: float) -> Points:
        from ministack.services import cloudwatch

        start = end - count * source.period_seconds
        key = (source.namespace, source.name, cloudwatch._dims_key(dict(source.dimensions)))
        slots: list[list[Any]] = [[] for _ in range(count)]
        for point in reversed(cloudwatch._metrics.get(key) or ()):
            at = self._clock.at(point["Timestamp"])
            if at < start - DISORDER_SECONDS:
                break
            if start <= at < end:
                slots[int((at - start) // source.period_seconds)].append(point)
        statistics = [cloudwatch._calc_stats(points) for points in slots]
        return [each.get(source.statistic) for each in statistics]
