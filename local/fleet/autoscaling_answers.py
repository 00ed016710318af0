"""How records of groups and refreshes look in answers of the EC2 Auto Scaling API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from local.fleet.deployed_group import ALL_METRICS
from local.fleet.instance_refresh import InstanceRefresh

PLAIN = (
    "AutoScalingGroupName",
    "AutoScalingGroupARN",
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "DefaultCooldown",
    "AvailabilityZones",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "Instances",
    "CreatedTime",
    "VPCZoneIdentifier",
    "TerminationPolicies",
    "NewInstancesProtectedFromScaleIn",
    "Tags",
)
WHEN_SET = (
    "LaunchConfigurationName",
    "LaunchTemplate",
    "MixedInstancesPolicy",
    "CapacityRebalance",
    "DefaultInstanceWarmup",
    "MaxInstanceLifetime",
)


def answer(operation: str, content: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """The XML of a successful answer."""
    from ministack.services import autoscaling

    result = f"{operation}Result"
    body = f"<{result}>{autoscaling._member_xml(content)}</{result}>"
    response: tuple[int, dict[str, str], bytes] = autoscaling._xml(
        200, f"{operation}Response", body
    )
    return response


def group_description(record: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html ."""
    found = {name: record[name] for name in PLAIN}
    found |= {name: record[name] for name in WHEN_SET if record.get(name) not in (None, "", {}, [])}
    found["EnabledMetrics"] = [
        {"Metric": metric, "Granularity": "1Minute"}
        for collection in record.get("MetricsCollection") or ()
        for metric in collection.get("Metrics") or ALL_METRICS
    ]
    return found


def refresh_description(refresh: InstanceRefresh) -> dict[str, Any]:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html ."""
    preferences = refresh.preferences
    return {
        "InstanceRefreshId": refresh.refresh_id,
        "AutoScalingGroupName": refresh.group,
        "Status": refresh.status,
        **({"StatusReason": refresh.reason} if refresh.reason else {}),
        "StartTime": _iso(refresh.begun),
        **({} if refresh.ended is None else {"EndTime": _iso(refresh.ended)}),
        "PercentageComplete": refresh.percent,
        "InstancesToUpdate": len(refresh.old),
        "Preferences": {
            "MinHealthyPercentage": preferences.minimum_percent,
            "MaxHealthyPercentage": preferences.maximum_percent,
            **(
                {}
                if preferences.warmup_seconds is None
                else {"InstanceWarmup": int(preferences.warmup_seconds)}
            ),
            "SkipMatching": preferences.skip_matching,
        },
    }


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
