"""The emulated services' tables in this process, empty, with one deployed group in them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ministack.services import autoscaling, cloudwatch, ec2, iam

from local.fleet.deployed_group import DeployedGroup

TABLES = (
    autoscaling._asgs,
    autoscaling._hooks,
    autoscaling._policies,
    cloudwatch._alarms,
    cloudwatch._metrics,
    ec2._instances,
    ec2._launch_templates,
    iam._instance_profiles,
)
TEMPLATE = {
    "LaunchTemplateId": "lt-1",
    "LaunchTemplateName": "worker",
    "DefaultVersionNumber": 1,
    "LatestVersionNumber": 2,
    "Versions": [
        {
            "VersionNumber": number,
            "LaunchTemplateData": {
                "ImageId": "ami-1",
                "InstanceType": "c7g.medium",
                "UserData": base64.b64encode(b"#!/bin/bash\n").decode(),
                "IamInstanceProfile": {"Arn": "arn:aws:iam::000000000000:instance-profile/p"},
                "TagSpecifications": [
                    {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "w"}]}
                ],
            },
        }
        for number in (1, 2)
    ],
}


@contextmanager
def tables() -> Iterator[None]:
    for table in TABLES:
        table.clear()
    try:
        yield
    finally:
        for table in TABLES:
            table.clear()


def deploy_group(**properties: Any) -> DeployedGroup:
    ec2._launch_templates["lt-1"] = TEMPLATE
    autoscaling._asgs["workers"] = {
        "AutoScalingGroupName": "workers",
        "AutoScalingGroupARN": "arn:aws:autoscaling:::workers",
        "MinSize": 0,
        "MaxSize": 4,
        "DesiredCapacity": 0,
        "DefaultCooldown": 300,
        "AvailabilityZones": ["eu-west-1a"],
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 120,
        "CreatedTime": "2026-01-01T00:00:00Z",
        "VPCZoneIdentifier": "",
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False,
        "Instances": [],
        "Tags": [],
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"},
        **properties,
    }
    return DeployedGroup(autoscaling._asgs["workers"])
