"""Rules for the launch template, the Auto Scaling group and the script that starts a worker."""

from __future__ import annotations

import re

from tests.stacks.reading import (
    Properties,
    Template,
    environment,
    heredoc,
    resources,
    unit,
    user_data,
    walk,
)

# Before base64: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
LARGEST_USER_DATA = 16_384
GRAVITON = re.compile(r"[a-z]+[0-9]+g[a-z]*\.")
WORKER_VARIABLES = frozenset(
    {
        *("WORKER_QUEUE_URL", "WORKER_JOB", "WORKER_PROCESSES_PER_VCPU", "WORKER_THREADS"),
        *("WORKER_VISIBILITY_TIMEOUT_SECONDS", "WORKER_MAX_EXTENSION_SECONDS"),
        *("WORKER_WAIT_TIME_SECONDS", "WORKER_DRAIN_SECONDS", "WORKER_BACKOFF_BASE_SECONDS"),
        *("WORKER_BACKOFF_CAP_SECONDS", "WORKER_MAX_RECEIVE_COUNT", "WORKER_METRICS_NAMESPACE"),
        *("WORKER_METRICS_INTERVAL_SECONDS", "WORKER_LIFECYCLE_HOOK_NAME"),
        *("WORKER_AUTO_SCALING_GROUP_NAME", "WORKER_HEALTH_TIMEOUT_SECONDS"),
        *("WORKER_IDEMPOTENCY_TABLE", "WORKER_JOBS_TABLE", "WORKER_DOCUMENTS_BUCKET"),
        *("WORKER_PREPARED_BUCKET", "WORKER_MAX_DOCUMENT_BYTES", "AWS_REGION"),
        "AWS_DEFAULT_REGION",
    }
)


def group(template: Template) -> Properties:
    (properties,) = resources(template, "AWS::AutoScaling::AutoScalingGroup").values()
    return properties


def launch_data(template: Template) -> Properties:
    (properties,) = resources(template, "AWS::EC2::LaunchTemplate").values()
    data: Properties = properties["LaunchTemplateData"]
    return data


def check_launch_template_only(template: Template) -> list[str]:
    """No launch configuration: new accounts refuse them."""
    problems = []
    if resources(template, "AWS::AutoScaling::LaunchConfiguration"):
        problems.append("there is a launch configuration")
    if "LaunchConfigurationName" in group(template):
        problems.append("the group uses a launch configuration")
    return problems


def check_metadata_service(template: Template) -> list[str]:
    options = launch_data(template).get("MetadataOptions", {})
    problems = []
    if options.get("HttpTokens") != "required":
        problems.append("version 1 of the metadata service is allowed")
    if options.get("HttpPutResponseHopLimit") != 1:
        problems.append("metadata can be reached over more than one hop")
    return problems


def check_volumes(template: Template) -> list[str]:
    problems = []
    mappings = launch_data(template).get("BlockDeviceMappings", [])
    if not mappings:
        problems.append("the root volume is left to the image")
    for mapping in mappings:
        volume = mapping.get("Ebs", {})
        if volume.get("Encrypted") is not True:
            problems.append(f"{mapping['DeviceName']} is not encrypted")
        if volume.get("VolumeType") != "gp3":
            problems.append(f"{mapping['DeviceName']} is not gp3")
        if volume.get("DeleteOnTermination") is not True:
            problems.append(f"{mapping['DeviceName']} outlives its instance")
    return problems


def check_no_way_in(template: Template) -> list[str]:
    """No key pair, no public address, no open port."""
    problems = []
    data = launch_data(template)
    if "KeyName" in data:
        problems.append("there is a key pair")
    if any(item.get("AssociatePublicIpAddress") for item in data.get("NetworkInterfaces", [])):
        problems.append("instances get public addresses")
    return problems


def check_image(template: Template) -> list[str]:
    """Amazon Linux 2023 for arm64, by the public parameter of AWS."""
    image = launch_data(template).get("ImageId", {})
    parameter = template.get("Parameters", {}).get(image.get("Ref") if image else None, {})
    default = str(parameter.get("Default"))
    if (
        parameter.get("Type") != "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
        or "al2023" not in default
        or not default.endswith("arm64")
    ):
        return ["the image is not the parameter of Amazon Linux 2023 for arm64"]
    return []


def check_instance_types(template: Template) -> list[str]:
    policy = group(template).get("MixedInstancesPolicy", {})
    types = [item["InstanceType"] for item in policy.get("LaunchTemplate", {}).get("Overrides", [])]
    problems = []
    if len(types) < 2:
        problems.append("one instance type means one spot pool per zone")
    if not all(GRAVITON.match(name) for name in types):
        problems.append("not all instance types are Graviton, the image is")
    if len({name.split(".")[1] for name in types}) > 1:
        problems.append("instances differ in size, the backlog per instance means nothing")
    return problems


def check_spot(template: Template) -> list[str]:
    distribution = group(template).get("MixedInstancesPolicy", {}).get("InstancesDistribution", {})
    problems = []
    if distribution.get("SpotAllocationStrategy") != "price-capacity-optimized":
        problems.append("spot pools are not chosen by capacity and price")
    if group(template).get("CapacityRebalance") is not True:
        problems.append("capacity is not rebalanced")
    return problems


def check_zones(template: Template) -> list[str]:
    return [] if len(group(template)["VPCZoneIdentifier"]) >= 2 else ["the group is in one zone"]


def check_sizes(template: Template) -> list[str]:
    low, high = int(group(template)["MinSize"]), int(group(template)["MaxSize"])
    base = (
        group(template)
        .get("MixedInstancesPolicy", {})
        .get("InstancesDistribution", {})
        .get("OnDemandBaseCapacity", 0)
    )
    problems = [] if 0 <= low <= high and high >= 1 else [f"sizes {low} to {high} make no sense"]
    if base > high:
        problems.append("the on-demand base is larger than the group")
    return problems


def check_no_desired_capacity(template: Template) -> list[str]:
    if "DesiredCapacity" in group(template):
        return ["a deploy resets the desired capacity"]
    return []


def check_group_metrics(template: Template) -> list[str]:
    collections = group(template).get("MetricsCollection", [])
    if not any(
        item.get("Granularity") == "1Minute"
        and ("Metrics" not in item or "GroupInServiceInstances" in item["Metrics"])
        for item in collections
    ):
        return ["group metrics are off, the scaling policy has no denominator"]
    return []


def check_new_code_reaches_old_instances(template: Template) -> list[str]:
    (resource,) = (
        item
        for item in template["Resources"].values()
        if item["Type"] == "AWS::AutoScaling::AutoScalingGroup"
    )
    refresh = resource.get("UpdatePolicy", {}).get("AutoScalingInstanceRefresh", {})
    problems = []
    if refresh.get("Strategy") != "Rolling":
        problems.append("instances are not replaced when their template changes")
    elif refresh.get("Preferences", {}).get("MinHealthyPercentage", 0) < 50:
        problems.append("more than half of the fleet may be replaced at once")
    policy = resource["Properties"].get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    version = policy.get("LaunchTemplateSpecification", {}).get("Version", {})
    if "LatestVersionNumber" not in str(version):
        problems.append("the group does not follow the template's latest version")
    return problems


def check_drain(template: Template) -> list[str]:
    """drain < systemd's patience < the hook's, and spot's two minutes leave room for the drain."""
    hooks = [
        hook
        for hook in group(template).get("LifecycleHookSpecificationList", [])
        if hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    ]
    if len(hooks) != 1:
        return ["there is no termination hook"]
    (hook,) = hooks
    worker, service = environment(template), unit(template)
    drain = int(worker.get("WORKER_DRAIN_SECONDS", "0"))
    patience = int(service.get("TimeoutStopSec", ["0"])[0])
    problems = []
    if not 0 < drain < patience < hook.get("HeartbeatTimeout", 3600) <= 7200 + 3600:
        problems.append(
            f"drain {drain} s, systemd {patience} s and hook {hook.get('HeartbeatTimeout')} s "
            "are not in this order"
        )
    if drain >= 120:
        problems.append("the drain takes longer than a spot notice gives")
    if hook.get("DefaultResult") != "CONTINUE":
        problems.append("an instance that is already dead holds up its termination")
    if hook.get("LifecycleHookName") != worker.get("WORKER_LIFECYCLE_HOOK_NAME"):
        problems.append("the worker completes another hook")
    if group(template).get("AutoScalingGroupName") != worker.get("WORKER_AUTO_SCALING_GROUP_NAME"):
        problems.append("the worker reports to another group")
    if group(template).get("NewInstancesProtectedFromScaleIn"):
        problems.append("instances are protected from scale-in for ever")
    return problems


def check_unit(template: Template) -> list[str]:
    service = unit(template)
    problems = []
    for key, value in (
        ("KillMode", "mixed"),
        ("Restart", "always"),
        ("User", "groundwork"),
        ("EnvironmentFile", "/etc/groundwork/worker.env"),
        ("WorkingDirectory", "/opt/groundwork/app"),
        ("ExecStart", "/usr/bin/python3.13 -m worker"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
    ):
        if service.get(key) != [value]:
            problems.append(f"the unit has no {key}={value}")
    return problems


def check_script(template: Template) -> list[str]:
    """The script stops at the first failure, turns the instance off, and needs no internet."""
    script = user_data(template)
    problems = []
    if "set -euo pipefail" not in script or "set +e" in script:
        problems.append("the script goes on after a failure")
    if not re.search(r"^trap '.*shutdown -h now' ERR$", script, re.MULTILINE):
        problems.append("an instance that could not be set up stays")
    if script.count("<<'") != 2:
        problems.append("the script has not exactly two files in it")
    if not re.search(r"^aws s3 cp s3://\S+\.zip /opt/groundwork/worker\.zip$", script, re.M):
        problems.append("the program does not come from the asset")
    if re.search(r"https?://|\bpip3?\b|\bcurl\b|\bwget\b", script):
        problems.append("the script reaches for the internet")
    if "systemctl enable --now groundwork-worker.service" not in script:
        problems.append("the worker is not started")
    if "systemctl is-active --quiet groundwork-worker.service" not in script:
        problems.append("a worker that falls over at its start is not noticed")
    if "export AWS_DEFAULT_REGION=<AWS::Region>" not in script:
        problems.append("the program may be looked for in another Region, out of reach")
    if len(script.encode()) > LARGEST_USER_DATA:
        problems.append("the script is larger than EC2 takes")
    return problems


def check_environment(template: Template) -> list[str]:
    names = set(environment(template))
    return [f"{name} is missing" for name in WORKER_VARIABLES - names] + [
        f"{name} is not part of the contract" for name in names - WORKER_VARIABLES
    ]


def check_nothing_left_open_in_files(template: Template) -> list[str]:
    """Files in the script hold no line that ends them early and no unresolved value."""
    content = heredoc(user_data(template), "/etc/groundwork/worker.env", "GROUNDWORK_ENV")
    return [
        f"line {line!r} of the environment is not KEY=VALUE"
        for line in content.splitlines()
        if not re.fullmatch(r"[A-Z_]+=[^\s'\"]*", line)
    ] + [
        "a token was not resolved"
        for value in walk(template)
        if isinstance(value, str) and "${Token[" in value
    ]
