"""Metrics in log lines (EMF) become data points when the lines arrive, as CloudWatch Logs does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
A line that does not keep to the format is a log line and nothing else. When time is compressed, a
point counts at its arrival instead of at the moment in the line: the few real seconds that shipping
takes would be minutes of AWS time, and an alarm would have looked already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.fleet.clock import AwsClock
from local.metric_store import put_metric


@dataclass(frozen=True, kw_only=True)
class Datum:
    """One value of one metric with one set of dimensions; `at` is a wall-clock moment."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    value: float
    unit: str
    at: float


def embedded_metrics(line: str) -> Iterator[Datum]:
    """The data points in a log line."""
    if '"_aws"' not in line:
        return
    try:
        content = json.loads(line)
        metadata = content["_aws"]
        at = float(metadata["Timestamp"]) / 1000
        for directive in metadata["CloudWatchMetrics"]:
            yield from _directive(content, directive, at)
    except (ValueError, KeyError, TypeError):
        return


def _directive(
    content: Mapping[str, Any], directive: Mapping[str, Any], at: float
) -> Iterator[Datum]:
    for names in directive["Dimensions"]:
        dimensions = {name: str(content[name]) for name in names}
        for metric in directive["Metrics"]:
            found = content.get(metric["Name"], [])
            for value in found if isinstance(found, list) else [found]:
                yield Datum(
                    namespace=directive["Namespace"],
                    name=metric["Name"],
                    dimensions=dimensions,
                    value=float(value),
                    unit=metric.get("Unit", "None"),
                    at=at,
                )


def register(clock: AwsClock) -> None:
    """Look into every line that CloudWatch Logs stores: of PutLogEvents, and of functions."""
    from ministack.services import cloudwatch_logs

    stock = cloudwatch_logs._append_log_events

    def append_log_events(stream: Any, events: Any) -> None:
        stock(stream, events)
        for event in events:
            for datum in embedded_metrics(str(event.get("message", ""))):
                put_metric(
                    namespace=datum.namespace,
                    name=datum.name,
                    dimensions=datum.dimensions,
                    value=datum.value,
                    unit=datum.unit,
                    at=datum.at if clock.scale == 1 else clock.wall(),
                )

    cloudwatch_logs._append_log_events = append_log_events
