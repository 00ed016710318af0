"""Breaks of instances, their script and their role, with the rule that has to notice."""

from __future__ import annotations

from tests.stacks.mutating import (
    DATA,
    GROUP,
    SPREAD,
    TEMPLATE,
    TYPES,
    Case,
    changed,
    group,
    launch,
    launch_configuration,
    no_refresh,
    script,
    version_one,
    without,
)

INSTANCE_MUTATIONS: list[Case] = [
    (
        "uncapped leases",
        "Fleet",
        script("MAX_EXTENSION_SECONDS=3600", "MAX_EXTENSION_SECONDS=90000"),
        "check_visibility",
    ),
    (
        "metadata version 1",
        "Fleet",
        changed(TEMPLATE, "", DATA, "MetadataOptions", "HttpTokens", "optional"),
        "check_metadata_service",
    ),
    (
        "metadata over two hops",
        "Fleet",
        changed(TEMPLATE, "", DATA, "MetadataOptions", "HttpPutResponseHopLimit", 2),
        "check_metadata_service",
    ),
    (
        "volume without encryption",
        "Fleet",
        lambda t: launch(t)["BlockDeviceMappings"][0]["Ebs"].update(Encrypted=False),
        "check_volumes",
    ),
    (
        "volume of an old type",
        "Fleet",
        lambda t: launch(t)["BlockDeviceMappings"][0]["Ebs"].update(VolumeType="gp2"),
        "check_volumes",
    ),
    ("a key pair", "Fleet", changed(TEMPLATE, "", DATA, "KeyName", "mine"), "check_no_way_in"),
    (
        "a fixed image",
        "Fleet",
        changed(TEMPLATE, "", DATA, "ImageId", {"Ref": "Nothing"}),
        "check_image",
    ),
    ("a launch configuration", "Fleet", launch_configuration, "check_launch_template_only"),
    (
        "an Intel type",
        "Fleet",
        changed(GROUP, "", *TYPES, 0, "InstanceType", "c7i.medium"),
        "check_instance_types",
    ),
    (
        "types of two sizes",
        "Fleet",
        changed(GROUP, "", *TYPES, 0, "InstanceType", "c7g.4xlarge"),
        "check_instance_types",
    ),
    (
        "cheapest spot pool",
        "Fleet",
        changed(GROUP, "", *SPREAD, "SpotAllocationStrategy", "lowest-price"),
        "check_spot",
    ),
    ("no capacity rebalancing", "Fleet", without(GROUP, "", "CapacityRebalance"), "check_spot"),
    ("one zone", "Fleet", lambda t: group(t)["VPCZoneIdentifier"].pop(), "check_zones"),
    ("min above max", "Fleet", changed(GROUP, "", "MinSize", "9"), "check_sizes"),
    (
        "more on-demand than instances",
        "Fleet",
        changed(GROUP, "", *SPREAD, "OnDemandBaseCapacity", 50),
        "check_sizes",
    ),
    (
        "a desired capacity",
        "Fleet",
        changed(GROUP, "", "DesiredCapacity", "1"),
        "check_no_desired_capacity",
    ),
    ("no group metrics", "Fleet", without(GROUP, "", "MetricsCollection"), "check_group_metrics"),
    ("no refresh", "Fleet", no_refresh, "check_new_code_reaches_old_instances"),
    ("a fixed template version", "Fleet", version_one, "check_new_code_reaches_old_instances"),
    ("no hook", "Fleet", without(GROUP, "", "LifecycleHookSpecificationList"), "check_drain"),
    (
        "hook shorter than the drain",
        "Fleet",
        changed(GROUP, "", "LifecycleHookSpecificationList", 0, "HeartbeatTimeout", 60),
        "check_drain",
    ),
    (
        "hook for launches",
        "Fleet",
        changed(
            GROUP,
            "",
            "LifecycleHookSpecificationList",
            0,
            "LifecycleTransition",
            "autoscaling:EC2_INSTANCE_LAUNCHING",
        ),
        "check_drain",
    ),
    ("hook of another name", "Fleet", script("HOOK_NAME=drain", "HOOK_NAME=other"), "check_drain"),
    (
        "impatient systemd",
        "Fleet",
        script("TimeoutStopSec=", "TimeoutStopSec=1\n#"),
        "check_drain",
    ),
    (
        "drain longer than a spot notice",
        "Fleet",
        script("DRAIN_SECONDS=90", "DRAIN_SECONDS=125"),
        "check_drain",
    ),
    ("systemd signals the children", "Fleet", script("KillMode=mixed\n", ""), "check_unit"),
    ("worker as root", "Fleet", script("User=groundwork\n", "User=root\n"), "check_unit"),
    ("failures ignored", "Fleet", script("set -euo pipefail", "set +e"), "check_script"),
    (
        "packages from the internet",
        "Fleet",
        script("dnf install", "curl -O https://example.com/x; dnf install"),
        "check_script",
    ),
    (
        "a secret in the environment",
        "Fleet",
        script("WORKER_THREADS", "DB_PASSWORD=hunter2\nWORKER_THREADS"),
        "check_no_secrets_in_plain_text",
    ),
    (
        "permissions attached later",
        "Fleet",
        lambda t: t["Resources"].update(
            Late={"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": []}}}
        ),
        "check_policies_come_with_the_role",
    ),
    (
        "a line that is no variable",
        "Fleet",
        script("WORKER_THREADS=8", "WORKER_THREADS = 8"),
        "check_nothing_left_open_in_files",
    ),
]
