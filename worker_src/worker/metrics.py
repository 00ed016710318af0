"""What a worker process reports: one line in the embedded metric format per interval.

CloudWatch Logs makes metrics of such lines as they arrive, without an API call. A metric's value
may be an array of up to 100 numbers.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping

COUNTERS = (
    "MessagesProcessed",
    "MessagesFailed",
    "MessagesRetried",
    "MessagesRejected",
    "MessagesHandedBack",
    "LeaseLost",
    "ApiCalls",
)
MOST_VALUES = 100
MILLISECONDS = "Milliseconds"
Values = Mapping[str, tuple[float | list[float], str]]


def emf_line(*, namespace: str, group: str, values: Values, **properties: object) -> str:
    """One line: `values` maps a metric's name to its value (or values) and CloudWatch unit.

    The dimension is the Auto Scaling group alone: per-instance metrics would each be billed.
    `properties` are searchable in the log but are no metrics.
    """
    directive = {
        "Namespace": namespace,
        "Dimensions": [["AutoScalingGroupName"]] if group else [[]],
        "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in values.items()],
    }
    document: dict[str, object] = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        **({"AutoScalingGroupName": group} if group else {}),
        **properties,
        **{name: value for name, (value, _) in values.items()},
    }
    return json.dumps(document)


class Metrics:
    """Counts between two reports. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._times: list[float] = []
        self._timed = 0

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of COUNTERS."""
        with self._lock:
            self._counts[name] += by

    def processed(self, done: int, seconds_each: float) -> None:
        """`done` messages succeeded, each in about `seconds_each`.

        Times are a uniform sample of up to 100 of the interval's messages (reservoir sampling).
        """
        with self._lock:
            self._counts["MessagesProcessed"] += done
            milliseconds = round(seconds_each * 1000, 3)
            self._timed += 1
            if len(self._times) < MOST_VALUES:
                self._times.append(milliseconds)
            else:
                place = int(random.random() * self._timed)  # nosec B311
                if place < MOST_VALUES:
                    self._times[place] = milliseconds

    def take(self, *, api_calls: int) -> dict[str, tuple[float | list[float], str]]:
        """The values since the last call, as `emf_line` takes them; counting starts anew."""
        with self._lock:
            counts, self._counts = self._counts, dict.fromkeys(COUNTERS, 0)
            times, self._times = self._times, []
            self._timed = 0
        counts["ApiCalls"] = api_calls
        values: dict[str, tuple[float | list[float], str]] = {
            name: (count, "Count") for name, count in counts.items()
        }
        if times:
            values["ProcessingTime"] = (times, MILLISECONDS)
        return values
