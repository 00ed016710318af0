"""One line of JSON per event on standard output, with or without metrics in it.

CloudWatch Logs makes metrics of lines in the embedded metric format as they arrive, without an API
call and without a client to load. Lambda passes on what is printed as it is, with the JSON log
format as well, so the document has to be the whole line.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def write(event: str, **fields: object) -> None:
    """Log an event; fields that JSON cannot hold become their text."""
    _line({"event": event, **fields})


def write_metrics(
    event: str,
    *,
    namespace: str,
    dimensions: Mapping[str, str],
    metrics: Mapping[str, tuple[float, str]],
    **properties: object,
) -> None:
    """Log an event that carries metrics: `metrics` maps a name to its value and unit.

    Every combination of dimension values is billed as a metric of its own; what only has to be
    searchable is a property.
    """
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in metrics.items()],
    }
    _line(
        {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
            "event": event,
            **dimensions,
            **properties,
            **{name: value for name, (value, _) in metrics.items()},
        }
    )


def _line(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document, default=str) + "\n")
    sys.stdout.flush()
