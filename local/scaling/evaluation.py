"""One evaluation of all policies of a group: what CloudWatch and EC2 Auto Scaling do each minute.

    spec = ScalingSpec.from_template(template)
    result = evaluate(spec.policies, group=state, read=read_metric, alarms=result.alarms)
    result.desired          # the new desired capacity (the old one when nothing changes)
    result.reasons          # one sentence per policy that wanted a change
    result.alarms           # states to pass to the next call

`read(source, count)` returns the newest `count` periods of a metric as CloudWatch would show them
at this moment, delays included: the caller owns the clock. Call it once per period (a minute).
A group passed in should count as `warming` what its own default warm-up, or the policy's
EstimatedInstanceWarmup, still covers.

With several policies the largest capacity wins, for scaling out and in
(https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scale-based-on-demand.html); target
tracking scales in only when all tracking policies with scale-in enabled are ready to. A step policy
is called again in every period that its alarm stays in ALARM, as CloudWatch does for Auto Scaling
actions
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local.scaling.alarms import AlarmRule, AlarmState
from local.scaling.alarms import evaluate as alarm_state
from local.scaling.group import GroupState
from local.scaling.metric_spec import MetricSpec, ReadMetric
from local.scaling.policy_spec import PolicySpec
from local.scaling.series import newest


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one evaluation decided."""

    desired: int
    reasons: tuple[str, ...]
    alarms: Mapping[str, AlarmState]
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class _Wish:
    policy: str
    desired: int
    reason: str


def evaluate(
    policies: Iterable[PolicySpec],
    *,
    group: GroupState,
    read: ReadMetric,
    alarms: Mapping[str, AlarmState] | None = None,
) -> Evaluation:
    """The desired capacity after this period, from the policies' alarms and arithmetic."""
    watch = _Watch(read=read, previous=alarms or {})
    out: list[_Wish] = []
    into: list[_Wish] = []
    held = False
    for policy in policies:
        for wish in _wishes(policy, group, watch):
            if wish.desired > group.desired:
                out.append(wish)
            elif wish.desired < group.desired:
                into.append(wish)
        if policy.tracking and not policy.tracking.disable_scale_in:
            held = held or watch.states[f"{policy.name}/low"] is not AlarmState.ALARM
    if held:
        stepping = {policy.name for policy in policies if policy.stepping}
        into = [wish for wish in into if wish.policy in stepping]
    wishes = out or into
    desired = max((wish.desired for wish in wishes), default=group.clamped(group.desired))
    return Evaluation(
        desired=desired,
        reasons=tuple(wish.reason for wish in wishes),
        alarms=watch.states,
        metrics=watch.metrics,
    )


class _Watch:
    """Looks at metrics, and keeps the alarm states that result."""

    def __init__(self, *, read: ReadMetric, previous: Mapping[str, AlarmState]) -> None:
        self._read = read
        self._previous = previous
        self.states: dict[str, AlarmState] = {}
        self.metrics: dict[str, float | None] = {}

    def value_in_alarm(self, name: str, metric: MetricSpec, rule: AlarmRule) -> float | None:
        """The metric's newest value if the alarm is in ALARM, else None."""
        points = metric.read(self._read, rule.evaluation_range)
        previous = self._previous.get(name, AlarmState.INSUFFICIENT_DATA)
        state = alarm_state(rule, points, previous)
        self.states[name] = state
        self.metrics[name] = newest(points)
        return self.metrics[name] if state is AlarmState.ALARM else None


def _wishes(policy: PolicySpec, group: GroupState, watch: _Watch) -> Iterable[_Wish]:
    def wish(desired: int, value: float, relation: str) -> _Wish:
        return _Wish(
            policy=policy.name,
            desired=desired,
            reason=f"{policy.name}: {value:.6g} {relation}: {group.desired} -> {desired}",
        )

    if policy.tracking and policy.metric:
        tracking = policy.tracking
        high = watch.value_in_alarm(f"{policy.name}/high", policy.metric, tracking.high_alarm)
        low = watch.value_in_alarm(f"{policy.name}/low", policy.metric, tracking.low_alarm)
        if high is not None:
            yield wish(
                tracking.scaled_out(group, high), high, f"above the target {tracking.target:.6g}"
            )
        elif low is not None:
            yield wish(
                tracking.scaled_in(group, low), low, f"below the target {tracking.target:.6g}"
            )
    if policy.stepping:
        for alarm in policy.alarms:
            value = watch.value_in_alarm(alarm.name, alarm.metric, alarm.rule)
            if value is not None:
                threshold = alarm.rule.threshold
                desired = policy.stepping.scaled(group, metric=value, threshold=threshold)
                yield wish(desired, value, f"breaches {alarm.name} at {threshold:.6g}")
