"""Scaling policies, their alarms and their group, read from CloudFormation properties.

For a whole template: `ScalingSpec.from_template(template, values)` (see `intrinsics.Resolver` for
`values`) gives the one group with all its policies. For resources that an engine has already
resolved: `GroupSpec.from_properties`, `PolicySpec.from_properties`, `AlarmSpec.from_properties`,
and `attach` to join step policies with the alarms that name them in AlarmActions.

Raises PolicySpecError that names the resource and the property when something cannot be played.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from local.scaling.alarms import AlarmRule, Comparison, MissingData
from local.scaling.intrinsics import Resolver
from local.scaling.metric_spec import MetricSource, MetricSpec, PolicySpecError
from local.scaling.step_scaling import AdjustmentType, Step, StepScaling
from local.scaling.target_tracking import TargetTracking

GROUP = "AWS::AutoScaling::AutoScalingGroup"
POLICY = "AWS::AutoScaling::ScalingPolicy"
ALARM = "AWS::CloudWatch::Alarm"

__all__ = ["AlarmSpec", "GroupSpec", "PolicySpec", "PolicySpecError", "ScalingSpec", "attach"]


@dataclass(frozen=True, kw_only=True)
class AlarmSpec:
    """An alarm: what it looks at, when it is in ALARM, and the ARNs that it then calls."""

    name: str
    metric: MetricSpec
    rule: AlarmRule
    actions: tuple[str, ...]

    @staticmethod
    def from_properties(name: str, properties: Mapping[str, Any]) -> AlarmSpec:
        """From the resolved properties of an AWS::CloudWatch::Alarm."""
        if "Metrics" in properties:
            metric = MetricSpec.from_queries(properties["Metrics"], where=f"alarm {name}")
        else:
            metric = MetricSpec.single(
                MetricSource.from_properties(
                    properties,
                    statistic=properties["Statistic"],
                    period_seconds=int(properties["Period"]),
                )
            )
        periods = int(properties["EvaluationPeriods"])
        return AlarmSpec(
            name=name,
            metric=metric,
            rule=AlarmRule(
                threshold=float(properties["Threshold"]),
                comparison=Comparison(properties["ComparisonOperator"]),
                evaluation_periods=periods,
                datapoints_to_alarm=int(properties.get("DatapointsToAlarm", periods)),
                missing_data=MissingData(properties.get("TreatMissingData", "missing")),
            ),
            actions=tuple(map(str, properties.get("AlarmActions", ()))),
        )


@dataclass(frozen=True, kw_only=True)
class PolicySpec:
    """A scaling policy: `tracking` with its `metric`, or `stepping` with its `alarms`."""

    name: str
    arn: str
    tracking: TargetTracking | None = None
    metric: MetricSpec | None = None
    stepping: StepScaling | None = None
    alarms: tuple[AlarmSpec, ...] = ()
    warmup_seconds: int | None = None

    @staticmethod
    def from_properties(
        name: str, properties: Mapping[str, Any], *, arn: str | None = None
    ) -> PolicySpec:
        """From the resolved properties of an AWS::AutoScaling::ScalingPolicy.

        `arn` is what Ref gives, and what alarms call; without it, the name stands for it.
        """
        kind = properties.get("PolicyType", "SimpleScaling")
        warmup = properties.get("EstimatedInstanceWarmup")
        base = PolicySpec(
            name=name,
            arn=arn or name,
            warmup_seconds=None if warmup is None else int(warmup),
        )
        if kind == "TargetTrackingScaling":
            return _tracking(base, properties["TargetTrackingConfiguration"])
        if kind == "StepScaling":
            return replace(base, stepping=_stepping(properties))
        raise PolicySpecError(
            f"policy {name}: PolicyType {kind} is not played here; use TargetTrackingScaling or "
            "StepScaling"
        )


@dataclass(frozen=True, kw_only=True)
class GroupSpec:
    """What matters of an Auto Scaling group for scaling."""

    name: str
    minimum: int
    maximum: int
    warmup_seconds: int
    on_demand_base: int
    on_demand_percentage: int
    hook_seconds: int

    @staticmethod
    def from_properties(name: str, properties: Mapping[str, Any]) -> GroupSpec:
        """From the resolved properties of an AWS::AutoScaling::AutoScalingGroup.

        Without DefaultInstanceWarmup the default cooldown takes its place, 300 s unless set
        (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-default-instance-warmup.html).
        """
        distribution = properties.get("MixedInstancesPolicy", {}).get("InstancesDistribution", {})
        hooks = [
            int(hook.get("HeartbeatTimeout", 3600))
            for hook in properties.get("LifecycleHookSpecificationList", ())
            if hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
        ]
        return GroupSpec(
            name=name,
            minimum=int(properties["MinSize"]),
            maximum=int(properties["MaxSize"]),
            warmup_seconds=int(
                properties.get("DefaultInstanceWarmup", properties.get("Cooldown", 300))
            ),
            on_demand_base=int(distribution.get("OnDemandBaseCapacity", 0)),
            on_demand_percentage=int(distribution.get("OnDemandPercentageAboveBaseCapacity", 100)),
            hook_seconds=max(hooks, default=0),
        )


@dataclass(frozen=True, kw_only=True)
class ScalingSpec:
    """A group and the policies that scale it."""

    group: GroupSpec
    policies: tuple[PolicySpec, ...]

    @staticmethod
    def from_template(
        template: Mapping[str, Any], values: Mapping[str, str] | None = None
    ) -> ScalingSpec:
        """The one group of a template with its policies.

        Without `values` the template is read offline: what it refers to keeps its symbolic name.
        """
        resources: Mapping[str, Mapping[str, Any]] = template["Resources"]
        names = {
            logical_id: str(resource["Properties"]["AutoScalingGroupName"])
            for logical_id, resource in resources.items()
            if resource["Type"] == GROUP and "AutoScalingGroupName" in resource["Properties"]
        }
        resolve = Resolver({**names, **(values or {})}, symbolic=values is None)

        def of_type(kind: str) -> list[tuple[str, Mapping[str, Any]]]:
            return [
                (logical_id, resolve(resource.get("Properties", {})))
                for logical_id, resource in resources.items()
                if resource["Type"] == kind
            ]

        groups = of_type(GROUP)
        if len(groups) != 1:
            raise PolicySpecError(f"the template has {len(groups)} Auto Scaling groups, not one")
        ((logical_id, properties),) = groups
        name = str(resolve({"Ref": logical_id}))
        policies = [
            PolicySpec.from_properties(policy, each, arn=str(resolve({"Ref": policy})))
            for policy, each in of_type(POLICY)
            if each["AutoScalingGroupName"] == name
        ]
        alarms = [AlarmSpec.from_properties(alarm, each) for alarm, each in of_type(ALARM)]
        return ScalingSpec(
            group=GroupSpec.from_properties(name, properties), policies=attach(policies, alarms)
        )


def attach(policies: Iterable[PolicySpec], alarms: Iterable[AlarmSpec]) -> tuple[PolicySpec, ...]:
    """The policies, each with the alarms whose actions call it."""
    known = list(alarms)
    return tuple(
        replace(policy, alarms=tuple(alarm for alarm in known if policy.arn in alarm.actions))
        for policy in policies
    )


def _tracking(base: PolicySpec, configuration: Mapping[str, Any]) -> PolicySpec:
    custom = configuration.get("CustomizedMetricSpecification")
    if custom is None:
        raise PolicySpecError(
            f"policy {base.name}: only CustomizedMetricSpecification is played here, because no "
            "predefined metric is measured"
        )
    if "Metrics" in custom:
        metric = MetricSpec.from_queries(custom["Metrics"], where=f"policy {base.name}")
    else:
        metric = MetricSpec.single(
            MetricSource.from_properties(
                custom,
                statistic=custom["Statistic"],
                period_seconds=int(custom.get("Period", 60)),
            )
        )
    return replace(
        base,
        metric=metric,
        tracking=TargetTracking(
            target=float(configuration["TargetValue"]),
            disable_scale_in=str(configuration.get("DisableScaleIn", False)).lower() == "true",
        ),
    )


def _stepping(properties: Mapping[str, Any]) -> StepScaling:
    def bound(step: Mapping[str, Any], name: str) -> float | None:
        return None if step.get(name) is None else float(step[name])

    return StepScaling(
        adjustment_type=AdjustmentType(properties["AdjustmentType"]),
        minimum_magnitude=int(properties.get("MinAdjustmentMagnitude", 0)),
        steps=tuple(
            Step(
                lower=bound(step, "MetricIntervalLowerBound"),
                upper=bound(step, "MetricIntervalUpperBound"),
                adjustment=int(step["ScalingAdjustment"]),
            )
            for step in properties["StepAdjustments"]
        ),
    )
