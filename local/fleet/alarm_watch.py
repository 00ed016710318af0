"""Gives every alarm of the emulated CloudWatch its state, each minute of AWS time.

The rules are `local.scaling.alarms`; what a change causes beside scaling (SNS, composite alarms,
history) is MiniStack's own. Alarms on an extended statistic keep the state they have.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from local.fleet.events import EventLog
from local.scaling.alarms import AlarmState, evaluate
from local.scaling.metric_spec import PolicySpecError, ReadMetric
from local.scaling.policy_spec import AlarmSpec
from local.scaling.series import newest

logger = logging.getLogger("groundwork.fleet")


class AlarmWatch:
    """Looks at all alarms of the account and region."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._refused: set[str] = set()

    def look(self, read: ReadMetric) -> None:
        """Evaluate all of them once."""
        from ministack.services import cloudwatch

        for name, record in list(cloudwatch._alarms.items()):
            spec = self.spec(name, record)
            if spec is None:
                continue
            points = spec.metric.read(read, spec.rule.evaluation_range)
            previous = AlarmState(record["StateValue"])
            state = evaluate(spec.rule, points, previous)
            if state is not previous:
                self._change(record, state, newest(points))

    def spec(self, name: str, record: dict[str, Any]) -> AlarmSpec | None:
        """The alarm as our rules read it; None, said once, for one that they cannot play."""
        try:
            if not record.get("Metrics") and not record.get("Statistic"):
                raise PolicySpecError("an extended statistic is not evaluated")
            spec = AlarmSpec.from_properties(name, record)
        except (PolicySpecError, KeyError, ValueError) as error:
            if name not in self._refused:
                self._refused.add(name)
                logger.warning("alarm %s is not evaluated: %s", name, error)
            return None
        return spec

    def _change(self, record: dict[str, Any], state: AlarmState, value: float | None) -> None:
        from ministack.services import cloudwatch

        old = record["StateValue"]
        shown = "no data" if value is None else f"{value:.6g}"
        rule = f"{record['ComparisonOperator']} {record['Threshold']:.6g}"
        if state is AlarmState.INSUFFICIENT_DATA:
            reason = "Insufficient Data: too few data points in the evaluation range"
        elif value is None:
            reason = f"no data points: missing data is {record.get('TreatMissingData', 'missing')}"
        else:
            reason = f"Threshold Crossed: newest data point {shown}, {rule}"
        record["StateValue"] = state.value
        record["StateReason"] = reason
        record["StateUpdatedTimestamp"] = int(time.time())
        record["StateTransitionedTimestamp"] = int(time.time())
        cloudwatch._record_history(record["AlarmName"], old, state.value, reason)
        cloudwatch._dispatch_alarm_actions(record, old, state.value, reason)
        cloudwatch._evaluate_parent_alarms(record)
        self._events.record(
            "alarm", group="", reason=f"{record['AlarmName']}: {old} -> {state.value} ({shown})"
        )
