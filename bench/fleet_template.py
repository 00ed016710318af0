"""What the simulation takes from the synthesized fleet template: group, policies, concurrency."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.scaling.intrinsics import Resolver
from local.scaling.policy_spec import GROUP, ScalingSpec

# https://docs.aws.amazon.com/ec2/latest/instancetypes/co.html
VCPUS = {"medium": 1, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}
LAUNCH_TEMPLATE = "AWS::EC2::LaunchTemplate"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A fleet as deployed: how it scales, and how many messages an instance works on at a time."""

    scaling: ScalingSpec
    instance_type: str
    concurrency: int

    @property
    def target(self) -> float:
        """Backlog per instance that target tracking holds."""
        return next(policy.tracking.target for policy in self.scaling.policies if policy.tracking)

    @staticmethod
    def from_template(template: Mapping[str, Any]) -> Fleet:
        """Read the template; its user data holds the worker's environment."""
        resources = template["Resources"].values()
        data = next(each for each in resources if each["Type"] == LAUNCH_TEMPLATE)
        script = str(
            Resolver({}, symbolic=True)(
                data["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]
            )
        )
        worker = dict(re.findall(r"^(WORKER_[A-Z_]+)=(.*)$", script, flags=re.MULTILINE))
        group = next(each for each in resources if each["Type"] == GROUP)
        overrides = group["Properties"]["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]
        instance_type = str(overrides[0]["InstanceType"])
        vcpus = VCPUS[instance_type.split(".")[1]]
        processes = max(1, round(vcpus * float(worker["WORKER_PROCESSES_PER_VCPU"])))
        return Fleet(
            scaling=ScalingSpec.from_template(template),
            instance_type=instance_type,
            concurrency=processes * int(worker["WORKER_THREADS"]),
        )
