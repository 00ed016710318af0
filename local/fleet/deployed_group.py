"""An Auto Scaling group's settings, read from what was deployed into the emulated services."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from local.fleet.group_config import GroupConfig, HookSpec
from local.fleet.instance import TemplateVersion

ALL_METRICS = (
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
)
# Members of AWS::AutoScaling::AutoScalingGroup that MiniStack drops and the fleet needs.
KEPT_PROPERTIES = (
    "MixedInstancesPolicy",
    "CapacityRebalance",
    "DefaultInstanceWarmup",
    "MaxInstanceLifetime",
    "MetricsCollection",
)


class DeployedGroupError(LookupError):
    """A group that cannot be played as it was deployed; names the group and what is wrong."""


class DeployedGroup:
    """One record of MiniStack's table of groups; the record stays the one place of truth."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    @property
    def name(self) -> str:
        """The group's name."""
        return str(self.record["AutoScalingGroupName"])

    def set_desired(self, capacity: int) -> None:
        """Change the desired capacity."""
        self.record["DesiredCapacity"] = capacity

    def config(self) -> GroupConfig:
        """The settings now. Raises DeployedGroupError."""
        record = self.record
        mixed = record.get("MixedInstancesPolicy") or {}
        version = self.template_version()
        types = [
            str(override["InstanceType"])
            for override in mixed.get("LaunchTemplate", {}).get("Overrides", ())
            if override.get("InstanceType")
        ]
        data = launch_template_data(version)
        lifetime = int(record.get("MaxInstanceLifetime") or 0)
        # Without a default warm-up the cooldown takes its place
        # (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-default-instance-warmup.html).
        warmup = record.get("DefaultInstanceWarmup")
        return GroupConfig(
            name=self.name,
            minimum=int(record["MinSize"]),
            maximum=int(record["MaxSize"]),
            desired=int(record["DesiredCapacity"]),
            zones=tuple(self.subnets()) or tuple(record["AvailabilityZones"]),
            template=version,
            instance_types=tuple(types) or (str(data.get("InstanceType", "unknown")),),
            distribution=mixed.get("InstancesDistribution") or {},
            termination_policies=tuple(record.get("TerminationPolicies") or ("Default",)),
            warmup_seconds=float(record["DefaultCooldown"] if warmup in (None, "") else warmup),
            grace_seconds=float(record["HealthCheckGracePeriod"]),
            new_instances_protected=_true(record.get("NewInstancesProtectedFromScaleIn")),
            capacity_rebalance=_true(record.get("CapacityRebalance")),
            longest_life_seconds=float(lifetime) if lifetime else math.inf,
            hooks=_hooks(self.name),
            metrics=_metrics(record),
        )

    def template_version(self) -> TemplateVersion:
        """The launch template version that new instances are made of."""
        mixed = self.record.get("MixedInstancesPolicy") or {}
        wanted = mixed.get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
        wanted = wanted or self.record.get("LaunchTemplate") or {}
        template = _template(wanted)
        if template is None:
            raise DeployedGroupError(
                f"group {self.name}: its launch template {wanted.get('LaunchTemplateId')!r} does "
                "not exist; the local fleet needs one, launch configurations are not played"
            )
        version = str(wanted.get("Version") or "$Default")
        numbers = {
            "$Default": template.get("DefaultVersionNumber", 1),
            "$Latest": template.get("LatestVersionNumber", 1),
        }
        return TemplateVersion(
            template_id=template["LaunchTemplateId"],
            name=template["LaunchTemplateName"],
            version=int(numbers.get(version, version)),
        )

    def subnets(self) -> dict[str, str]:
        """The group's subnets by Availability Zone, in the order of the group."""
        from ministack.services import ec2

        found: dict[str, str] = {}
        for identifier in str(self.record.get("VPCZoneIdentifier") or "").split(","):
            subnet = ec2._subnets.get(identifier.strip())
            if subnet is not None:
                found.setdefault(subnet["AvailabilityZone"], identifier.strip())
        return found


def launch_template_data(version: TemplateVersion) -> Mapping[str, Any]:
    """What a version of a launch template says. Raises DeployedGroupError."""
    from ministack.services import ec2

    template = ec2._launch_templates.get(version.template_id) or {}
    for each in template.get("Versions", ()):
        if each["VersionNumber"] == version.version:
            data: Mapping[str, Any] = each["LaunchTemplateData"]
            return data
    raise DeployedGroupError(f"launch template {version.name} has no version {version.version}")


def _template(wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    from ministack.services import ec2

    identifier, name = wanted.get("LaunchTemplateId"), wanted.get("LaunchTemplateName")
    for template in ec2._launch_templates.values():
        if template["LaunchTemplateId"] == identifier or (
            not identifier and template["LaunchTemplateName"] == name
        ):
            found: Mapping[str, Any] = template
            return found
    return None


def _hooks(group: str) -> tuple[HookSpec, ...]:
    from ministack.services import autoscaling

    return tuple(
        HookSpec(
            name=hook["LifecycleHookName"],
            transition=hook["LifecycleTransition"],
            timeout=float(hook["HeartbeatTimeout"]),
            default_result=hook["DefaultResult"],
        )
        for hook in autoscaling._hooks.values()
        if hook["AutoScalingGroupName"] == group
    )


def _metrics(record: Mapping[str, Any]) -> frozenset[str]:
    """The group metrics that are on; a collection without a list has all of them.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-autoscaling-autoscalinggroup-metricscollection.html
    """
    found: set[str] = set()
    for collection in record.get("MetricsCollection") or ():
        found |= set(collection.get("Metrics") or ALL_METRICS)
    return frozenset(found)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
