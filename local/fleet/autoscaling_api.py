"""The operations of the EC2 Auto Scaling API that MiniStack answers without instances.

Each is a function from the request's parameters to the answer, and takes MiniStack's place in its
table of actions. Errors carry AWS's codes
(https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from local.fleet.activities import Activity
from local.fleet.autoscaling_answers import answer, group_description, refresh_description
from local.fleet.group import Group, GroupError
from local.fleet.instance_refresh import RefreshPreferences
from local.fleet.lifecycle_actions import NoLifecycleActionError
from local.fleet.supervisor import Supervisor, described

Parameters = Mapping[str, Any]
Response = tuple[int, dict[str, str], bytes]
REFRESHES_IN_ANSWER = 50


class ApiError(ValueError):
    """An error answer: code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AutoScalingApi:
    """The operations, on the groups of one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def register(self) -> None:
        """Take MiniStack's place."""
        from ministack.services import autoscaling

        autoscaling._reconcile_instances = lambda _group: None
        self._stock_create = autoscaling._ACTION_MAP["CreateAutoScalingGroup"]
        operations: dict[str, Callable[[Parameters], Any]] = {
            "CreateAutoScalingGroup": self._create,
            "DescribeAutoScalingGroups": self._describe_groups,
            "DescribeAutoScalingInstances": self._describe_instances,
            "DescribeScalingActivities": self._describe_activities,
            "DescribePolicies": self._describe_policies,
            "UpdateAutoScalingGroup": self._update,
            "DeleteAutoScalingGroup": self._delete,
            "SetDesiredCapacity": self._set_desired,
            "TerminateInstanceInAutoScalingGroup": self._terminate,
            "CompleteLifecycleAction": self._complete,
            "RecordLifecycleActionHeartbeat": self._heartbeat,
            "SetInstanceHealth": self._set_health,
            "SetInstanceProtection": self._protect,
            "StartInstanceRefresh": self._start_refresh,
            "DescribeInstanceRefreshes": self._describe_refreshes,
            "CancelInstanceRefresh": self._cancel_refresh,
        }
        for name, operation in operations.items():
            autoscaling._ACTION_MAP[name] = _handler(name, operation)

    # Groups

    def _create(self, p: Parameters) -> Any:
        from ministack.services import autoscaling

        response: Response = self._stock_create(p)
        if response[0] == 200:
            record = autoscaling._asgs[_text(p, "AutoScalingGroupName")]
            record |= _kept(p)
        return response

    def _describe_groups(self, p: Parameters) -> Any:
        from ministack.services import autoscaling

        names = _members(p, "AutoScalingGroupNames")
        return {
            "AutoScalingGroups": [
                group_description(record)
                for name, record in autoscaling._asgs.items()
                if not names or name in names
            ]
        }

    def _describe_instances(self, p: Parameters) -> Any:
        wanted = _members(p, "InstanceIds")
        return {
            "AutoScalingInstances": [
                {**described(instance), "AutoScalingGroupName": group.name}
                for group in self._supervisor.groups.values()
                for instance in group.instances.values()
                if not wanted or instance.instance_id in wanted
            ]
        }

    def _describe_activities(self, p: Parameters) -> Any:
        name = _text(p, "AutoScalingGroupName")
        names = [name] if name else list(self._supervisor.groups)
        found = [each for group in names for each in self._supervisor.activities.of(group)]
        return {"Activities": [_activity(each) for each in found]}

    def _describe_policies(self, p: Parameters) -> Any:
        """With the alarms that call each policy.

        https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ScalingPolicy.html
        """
        from ministack.services import autoscaling, cloudwatch

        name, names = _text(p, "AutoScalingGroupName"), _members(p, "PolicyNames")
        alarms = list(cloudwatch._alarms.values())
        return {
            "ScalingPolicies": [
                {
                    "StepAdjustments": [],
                    **record,
                    "Alarms": [
                        {"AlarmName": alarm["AlarmName"], "AlarmARN": alarm["AlarmArn"]}
                        for alarm in alarms
                        if record["PolicyARN"] in alarm.get("AlarmActions", ())
                    ],
                }
                for record in autoscaling._policies.values()
                if name in ("", record["AutoScalingGroupName"])
                and (not names or record["PolicyName"] in names)
            ]
        }

    def _update(self, p: Parameters) -> Any:
        record = _record(p)
        sizes = {
            name: int(_text(p, name)) if _text(p, name) else int(record[name])
            for name in ("MinSize", "MaxSize", "DesiredCapacity")
        }
        if sizes["MinSize"] > sizes["MaxSize"]:
            raise ApiError(
                "ValidationError", "Max bound must be greater than or equal to min bound"
            )
        given = bool(_text(p, "DesiredCapacity"))
        inside = sizes["MinSize"] <= sizes["DesiredCapacity"] <= sizes["MaxSize"]
        if given and not inside:
            raise ApiError(
                "ValidationError",
                "Desired capacity must be between the specified min size and max size",
            )
        sizes["DesiredCapacity"] = max(
            sizes["MinSize"], min(sizes["MaxSize"], sizes["DesiredCapacity"])
        )
        for name in ("DefaultCooldown", "HealthCheckGracePeriod"):
            if _text(p, name):
                record[name] = int(_text(p, name))
        for name in ("HealthCheckType", "VPCZoneIdentifier"):
            if _text(p, name):
                record[name] = _text(p, name)
        if _text(p, "NewInstancesProtectedFromScaleIn"):
            record["NewInstancesProtectedFromScaleIn"] = (
                _text(p, "NewInstancesProtectedFromScaleIn") == "true"
            )
        if _members(p, "TerminationPolicies"):
            record["TerminationPolicies"] = _members(p, "TerminationPolicies")
        record |= _kept(p)
        desired = sizes.pop("DesiredCapacity")
        record |= sizes
        self._group(p).set_desired(desired, cause="a user request updated the group")
        return {}

    def _delete(self, p: Parameters) -> Any:
        """Without ForceDelete a group must be empty; with it, instances end without hooks.

        https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
        """
        from ministack.services import autoscaling

        record = _record(p)
        if record["Instances"] and _text(p, "ForceDelete") != "true":
            raise ApiError(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending "
                "Spot instance request(s) still in the group.",
            )
        autoscaling._delete_asg({"AutoScalingGroupName": record["AutoScalingGroupName"]})
        return {}

    def _set_desired(self, p: Parameters) -> Any:
        if not _text(p, "DesiredCapacity"):
            raise ApiError("ValidationError", "DesiredCapacity is required")
        capacity = int(_text(p, "DesiredCapacity"))
        self._group(p).set_desired(
            capacity, cause=f"a user request set the desired capacity to {capacity}"
        )
        return {}

    # Instances

    def _terminate(self, p: Parameters) -> Any:
        group = self._group_of(p)
        identifier = group.terminate(
            _text(p, "InstanceId"),
            decrement=_text(p, "ShouldDecrementDesiredCapacity") == "true",
            cause="a user request terminated it",
        )
        activities = self._supervisor.activities.of(group.name)
        found = [each for each in activities if each.activity_id == identifier]
        self._supervisor.publish(group.name)
        return {"Activity": _activity(found[0])} if found else {}

    def _complete(self, p: Parameters) -> Any:
        self._group(p).complete(
            _text(p, "InstanceId"),
            hook=_text(p, "LifecycleHookName"),
            token=_text(p, "LifecycleActionToken"),
            result=_text(p, "LifecycleActionResult"),
        )
        return {}

    def _heartbeat(self, p: Parameters) -> Any:
        self._group(p).heartbeat(
            _text(p, "InstanceId"),
            hook=_text(p, "LifecycleHookName"),
            token=_text(p, "LifecycleActionToken"),
        )
        return {}

    def _set_health(self, p: Parameters) -> Any:
        self._group_of(p).set_health(
            _text(p, "InstanceId"),
            healthy=_text(p, "HealthStatus").lower() == "healthy",
            respect_grace=_text(p, "ShouldRespectGracePeriod") != "false",
        )
        return {}

    def _protect(self, p: Parameters) -> Any:
        for identifier in _members(p, "InstanceIds"):
            self._group(p).protect(identifier, protected=_text(p, "ProtectedFromScaleIn") == "true")
        return {}

    # Instance refresh

    def _start_refresh(self, p: Parameters) -> Any:
        refresh = self._group(p).start_refresh(_preferences(p))
        return {"InstanceRefreshId": refresh.refresh_id}

    def _describe_refreshes(self, p: Parameters) -> Any:
        wanted = _members(p, "InstanceRefreshIds")
        return {
            "InstanceRefreshes": [
                refresh_description(each)
                for each in self._group(p).refreshes[:REFRESHES_IN_ANSWER]
                if not wanted or each.refresh_id in wanted
            ]
        }

    def _cancel_refresh(self, p: Parameters) -> Any:
        group = self._group(p)
        if group.refresh is None:
            raise ApiError(
                "ActiveInstanceRefreshNotFound",
                f"No active Instance Refresh for Auto Scaling group {group.name}",
            )
        return {"InstanceRefreshId": group.cancel_refresh().refresh_id}

    def _group(self, p: Parameters) -> Group:
        name = _record(p)["AutoScalingGroupName"]
        if name not in self._supervisor.groups:
            self._supervisor.tick()
        if name not in self._supervisor.groups:
            raise ApiError("ValidationError", f"AutoScalingGroup {name} cannot be played locally")
        return self._supervisor.groups[name]

    def _group_of(self, p: Parameters) -> Group:
        identifier = _text(p, "InstanceId")
        for group in self._supervisor.groups.values():
            if identifier in group.instances:
                return group
        raise ApiError(
            "ValidationError",
            f"Instance Id not found - No managed instance found for instance ID: {identifier}",
        )


def _handler(name: str, operation: Callable[[Parameters], Any]) -> Callable[[Parameters], Response]:
    def handle(p: Parameters) -> Response:
        from ministack.services import autoscaling

        try:
            content = operation(p)
        except ApiError as error:
            return _error(autoscaling, error.code, str(error))
        except (GroupError, NoLifecycleActionError, ValueError) as error:
            return _error(autoscaling, "ValidationError", str(error))
        return content if isinstance(content, tuple) else answer(name, content)

    return handle


def _error(autoscaling: Any, code: str, message: str) -> Response:
    from xml.sax.saxutils import escape

    response: Response = autoscaling._error(code, escape(message))
    return response


def _text(p: Parameters, name: str) -> str:
    value = p.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _members(p: Parameters, prefix: str) -> list[str]:
    from ministack.services import autoscaling

    return [str(each) for each in autoscaling._parse_member_list(p, prefix)]


def _record(p: Parameters) -> dict[str, Any]:
    from ministack.services import autoscaling

    name = _text(p, "AutoScalingGroupName")
    record: dict[str, Any] | None = autoscaling._asgs.get(name)
    if record is None:
        raise ApiError("ValidationError", f"AutoScalingGroup name not found - null: {name}")
    return record


def _kept(p: Parameters) -> dict[str, Any]:
    """The members of a request that MiniStack drops."""
    from ministack.services import autoscaling

    found: dict[str, Any] = {}
    mixed = autoscaling._parse_nested(p, "MixedInstancesPolicy")
    if mixed:
        found["MixedInstancesPolicy"] = mixed
    for name in ("CapacityRebalance", "DefaultInstanceWarmup", "MaxInstanceLifetime"):
        if _text(p, name):
            found[name] = _text(p, name)
    return found


def _preferences(p: Parameters) -> RefreshPreferences:
    def number(name: str) -> str:
        return _text(p, f"Preferences.{name}")

    warmup = number("InstanceWarmup")
    return RefreshPreferences(
        minimum_percent=int(number("MinHealthyPercentage") or 90),
        maximum_percent=int(number("MaxHealthyPercentage") or 100),
        warmup_seconds=float(warmup) if warmup else None,
        skip_matching=number("SkipMatching") == "true",
        bake_seconds=float(number("BakeTime") or 0),
    )


def _activity(each: Activity) -> dict[str, Any]:
    def iso(moment: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))

    return {
        "ActivityId": each.activity_id,
        "AutoScalingGroupName": each.group,
        "Description": each.description,
        "Cause": each.cause,
        "StartTime": iso(each.start),
        **({} if each.end is None else {"EndTime": iso(each.end)}),
        "StatusCode": each.status,
        **({"StatusMessage": each.message} if each.message else {}),
        "Progress": each.progress,
    }
