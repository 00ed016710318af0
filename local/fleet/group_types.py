"""AWS::AutoScaling::AutoScalingGroup as CloudFormation does it, on top of MiniStack's handlers.

- Create and update wait until the group has its instances in service ("Group did not stabilize"
  otherwise); so they run beside the event loop, on a worker thread.
- Update leaves the desired capacity alone unless the template's own number changes
  (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html#cfn-attributes-updatepolicy-scheduledactions),
  and with AutoScalingInstanceRefresh in the UpdatePolicy replaces the instances when the launch
  template or the mixed instances policy has changed, waits for it, and fails when it fails
  (https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.CfnAutoScalingInstanceRefresh.html).
- Delete sets the sizes to 0 and waits until the group has drained itself, lifecycle hooks included
  (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-process-shutdown.html).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.fleet.deployed_group import KEPT_PROPERTIES
from local.fleet.instance_refresh import SUCCESSFUL, InstanceRefresh, RefreshPreferences
from local.fleet.supervisor import Supervisor
from local.types.handlers import Outcome, Properties, table

TYPE = "AWS::AutoScaling::AutoScalingGroup"
# CloudFormation gives up after this long without stating it; an hour is what people report.
LONGEST_WAIT_SECONDS = 3600.0
UNPLAYED_POLICIES = ("AutoScalingRollingUpdate", "AutoScalingReplacingUpdate")
REFRESHED_BY = ("LaunchTemplate", "MixedInstancesPolicy")


class GroupType:
    """The handlers of the type."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        stock = table()[TYPE]
        self._create = stock["create"]
        self._update = stock["update"]
        self._delete = stock["delete"]

    def register(self) -> None:
        """Take MiniStack's place, on worker threads."""
        from ministack.services.cloudformation import stacks

        table()[TYPE] |= {
            "create": self.create,
            "update": self.update,
            "delete": self.delete,
        }
        stock = stacks._runs_on_worker_thread
        stacks._runs_on_worker_thread = lambda kind: kind == TYPE or stock(kind)

    def create(self, logical_id: str, properties: Properties, stack: str) -> Outcome:
        """Make the group and wait for its first instances."""
        _policy(stack, logical_id)
        name, attributes = self._in_loop(lambda: self._make(logical_id, properties, stack))
        self._stabilize(name)
        return name, attributes

    def update(
        self,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack: str,
        logical_id: str | None = None,
    ) -> Outcome:
        """Change the group, replace its instances when the template says so, wait."""
        policy = _policy(stack, logical_id or "")
        name, attributes = self._in_loop(
            lambda: self._change(physical_id, old, new, stack, logical_id)
        )
        refreshed = any(old.get(each) != new.get(each) for each in REFRESHED_BY)
        if name == physical_id and "AutoScalingInstanceRefresh" in policy and refreshed:
            self._refresh(name, policy["AutoScalingInstanceRefresh"].get("Preferences") or {})
        self._stabilize(name)
        return name, attributes

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Drain the group, then delete it."""
        from ministack.services import autoscaling

        record = autoscaling._asgs.get(physical_id)
        if record is not None:
            self._in_loop(lambda: record.update(MinSize=0, MaxSize=0, DesiredCapacity=0))
            if not self._supervisor.wait_until(
                lambda: not self._instances(physical_id), aws_seconds=LONGEST_WAIT_SECONDS
            ):
                raise ValueError(
                    f"Group {physical_id} did not stabilize: instances are left. Are they "
                    "protected from scale-in, or does a lifecycle hook wait?"
                )
        self._in_loop(lambda: self._delete(physical_id, properties))

    def _make(self, logical_id: str, properties: Properties, stack: str) -> Outcome:
        from ministack.services import autoscaling

        name, attributes = self._create(logical_id, properties, stack)
        record = autoscaling._asgs[name]
        _apply(name, record, properties)
        return name, attributes

    def _change(
        self,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack: str,
        logical_id: str | None,
    ) -> Outcome:
        from ministack.services import autoscaling

        before = autoscaling._asgs.get(physical_id)
        desired = int(before["DesiredCapacity"]) if before else 0
        name, attributes = self._update(physical_id, old, new, stack, logical_id)
        record = autoscaling._asgs[name]
        if record is before and new.get("DesiredCapacity") == old.get("DesiredCapacity"):
            record["DesiredCapacity"] = max(
                int(record["MinSize"]), min(int(record["MaxSize"]), desired)
            )
        _apply(name, record, new)
        _drop_hooks(name, old, new)
        return name, attributes

    def _refresh(self, name: str, preferences: Properties) -> None:
        refresh: InstanceRefresh = self._in_loop(
            lambda: self._supervisor.groups[name].start_refresh(_preferences(preferences))
        )
        self._supervisor.wait_until(
            lambda: not refresh.active, aws_seconds=24 * LONGEST_WAIT_SECONDS
        )
        if refresh.status != SUCCESSFUL:
            raise ValueError(
                f"Instance refresh {refresh.refresh_id} {refresh.status.lower()}: {refresh.reason}"
            )

    def _stabilize(self, name: str) -> None:
        def stable() -> bool:
            group = self._supervisor.groups.get(name)
            return group is not None and group.state().in_service >= group.config.desired

        if self._supervisor.wait_until(stable, aws_seconds=LONGEST_WAIT_SECONDS):
            return
        refused = self._supervisor.refused(name)
        raise ValueError(
            refused
            or f"Group did not stabilize. {name} has not reached its desired capacity; "
            "read the instances' console.log and worker.log in the state folder"
        )

    def _instances(self, name: str) -> int:
        group = self._supervisor.groups.get(name)
        return 0 if group is None else len(group.instances)

    def _in_loop(self, action: Callable[[], Any]) -> Any:
        def then_look() -> Any:
            result = action()
            self._supervisor.find_groups()
            return result

        return self._supervisor.do(then_look)


def _policy(stack: str, logical_id: str) -> dict[str, Any]:
    """The UpdatePolicy of the template under way; one that is not played here is refused."""
    from ministack.services.cloudformation import provisioners

    definition = provisioners._cfn_wait_condition_definition(stack, logical_id)
    policy: dict[str, Any] = definition.get("UpdatePolicy") or {}
    for name in UNPLAYED_POLICIES:
        if name in policy:
            raise ValueError(
                f"UpdatePolicy {name} is not played by the local fleet; use "
                "AutoScalingInstanceRefresh"
            )
    return policy


def _apply(name: str, record: dict[str, Any], properties: Properties) -> None:
    """What MiniStack drops of the properties: several members, and the hooks in the group."""
    from ministack.services import autoscaling

    for member in KEPT_PROPERTIES:
        if member in properties:
            record[member] = properties[member]
        else:
            record.pop(member, None)
    record["NewInstancesProtectedFromScaleIn"] = (
        str(properties.get("NewInstancesProtectedFromScaleIn", False)).lower() == "true"
    )
    for hook in properties.get("LifecycleHookSpecificationList") or ():
        hook_name = hook["LifecycleHookName"]
        autoscaling._hooks[f"{name}/{hook_name}"] = autoscaling._hook_record(name, hook_name, hook)


def _drop_hooks(name: str, old: Properties, new: Properties) -> None:
    """Hooks that the template no longer has; those that others put stay."""
    from ministack.services import autoscaling

    def names(properties: Properties) -> set[str]:
        hooks = properties.get("LifecycleHookSpecificationList") or ()
        return {str(hook["LifecycleHookName"]) for hook in hooks}

    for hook in names(old) - names(new):
        autoscaling._hooks.pop(f"{name}/{hook}", None)


def _preferences(properties: Properties) -> RefreshPreferences:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html ."""
    for name in ("CheckpointPercentages", "AlarmSpecification"):
        if properties.get(name):
            raise ValueError(
                f"AutoScalingInstanceRefresh Preferences.{name} is not played by the local fleet"
            )
    warmup = properties.get("InstanceWarmup")
    return RefreshPreferences(
        minimum_percent=int(properties.get("MinHealthyPercentage", 90)),
        maximum_percent=int(properties.get("MaxHealthyPercentage", 100)),
        warmup_seconds=None if warmup is None else float(warmup),
        skip_matching=str(properties.get("SkipMatching", False)).lower() == "true",
        bake_seconds=float(properties.get("BakeTime", 0)),
    )
