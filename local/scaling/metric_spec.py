"""The metric that a policy or an alarm looks at: one metric, or metric math over several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.scaling import metric_math
from local.scaling.series import Points

DEFAULT_PERIOD_SECONDS = 60


class PolicySpecError(ValueError):
    """A policy, alarm or group whose properties this model cannot play; names the property."""


@dataclass(frozen=True, kw_only=True)
class MetricSource:
    """One metric as CloudWatch stores it, with the statistic and the period of its data points."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period_seconds: int = DEFAULT_PERIOD_SECONDS

    @staticmethod
    def from_properties(
        metric: Mapping[str, Any], *, statistic: str, period_seconds: int
    ) -> MetricSource:
        """From Namespace, MetricName and Dimensions."""
        return MetricSource(
            namespace=metric["Namespace"],
            name=metric["MetricName"],
            dimensions=tuple(
                sorted((each["Name"], str(each["Value"])) for each in metric.get("Dimensions", ()))
            ),
            statistic=statistic,
            period_seconds=period_seconds,
        )


# The newest `count` periods of a metric, oldest first, None where no data point has arrived.
ReadMetric = Callable[[MetricSource, int], Points]


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """What is looked at: `sources` and `expressions` by id, and the id whose data is returned."""

    sources: Mapping[str, MetricSource]
    expressions: Mapping[str, str]
    returned: str

    @property
    def period_seconds(self) -> int:
        """Length of one period; the same for all sources, as CloudWatch requires."""
        return next(iter(self.sources.values())).period_seconds

    def read(self, read: ReadMetric, count: int) -> Points:
        """The newest `count` data points of what is returned."""
        known: dict[str, Points] = {
            name: read(source, count) for name, source in self.sources.items()
        }
        return self._value(self.returned, known)

    def _value(self, name: str, known: dict[str, Points]) -> Points:
        if name not in known:
            expression = self.expressions[name]
            for other in metric_math.references(expression):
                if other in self.expressions:
                    self._value(other, known)
            known[name] = metric_math.evaluate(
                expression, known, period_seconds=self.period_seconds
            )
        return known[name]

    @staticmethod
    def single(source: MetricSource) -> MetricSpec:
        """One metric, without metric math."""
        return MetricSpec(sources={"metric": source}, expressions={}, returned="metric")

    @staticmethod
    def from_queries(queries: list[Mapping[str, Any]], *, where: str) -> MetricSpec:
        """From a list of MetricDataQuery or TargetTrackingMetricDataQuery properties."""
        sources: dict[str, MetricSource] = {}
        expressions: dict[str, str] = {}
        returned = [query["Id"] for query in queries if query.get("ReturnData", True)]
        for query in queries:
            if "Expression" in query:
                expressions[query["Id"]] = query["Expression"]
                continue
            stat = query["MetricStat"]
            sources[query["Id"]] = MetricSource.from_properties(
                stat["Metric"],
                statistic=stat["Stat"],
                period_seconds=int(query.get("Period", stat.get("Period", DEFAULT_PERIOD_SECONDS))),
            )
        if len(returned) != 1:
            raise PolicySpecError(
                f"{where}: exactly one query must have ReturnData true, found {returned}"
            )
        if len({source.period_seconds for source in sources.values()}) != 1:
            raise PolicySpecError(f"{where}: the metrics must share one period")
        unknown = {
            name
            for expression in expressions.values()
            for name in metric_math.references(expression)
        } - (sources.keys() | expressions.keys())
        if unknown:
            raise PolicySpecError(f"{where}: no query has the id {', '.join(sorted(unknown))}")
        return MetricSpec(sources=sources, expressions=expressions, returned=returned[0])
