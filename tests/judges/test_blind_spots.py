"""What no judge of templates sees: names that have to agree across files, services and programs."""

from __future__ import annotations

import copy
import gzip
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore
import pytest

from local.scaling.metric_math import references
from tests.built_once import REPOSITORY
from tests.judges.assembly import Templates
from tests.judges.judged_synthesis import JUDGED
from tests.stacks.reading import Template, environment, resources, text, unit, walk
from tests.stacks.synthesis import stage_of
from worker.metrics import COUNTERS

pytestmark = pytest.mark.xdist_group("judges")

# What the services publish, with the one dimension of ours that carries it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html
SQS_METRICS = frozenset(
    {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfMessagesSent",
    }
)
GROUP_METRICS = frozenset(
    {"GroupDesiredCapacity", "GroupInServiceInstances", "GroupTerminatingInstances"}
)
# https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
IMAGES = re.compile(
    r"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-(default|6\.1|6\.12)-arm64"
)


@pytest.fixture(params=JUDGED)
def variant(request) -> str:
    return str(request.param)


@pytest.fixture
def stacks(variant: str, judged_templates) -> Templates:
    return copy.deepcopy(judged_templates[variant])


@pytest.fixture
def program(variant: str, judged: Path, tmp_path: Path) -> Path:
    """The worker's asset, unpacked as on an instance."""
    assets = json.loads(
        (judged / variant / f"Groundwork-{stage_of(variant)}-Fleet.assets.json").read_text()
    )
    (source,) = (
        each["source"]["path"]
        for each in assets["files"].values()
        if each["source"]["path"].endswith(".zip")
    )
    with zipfile.ZipFile(judged / variant / source) as zipped:
        zipped.extractall(tmp_path / "program")
    return tmp_path / "program"


def test_what_systemd_starts_is_in_the_asset(stacks, program) -> None:
    (command,) = unit(stacks["Fleet"])["ExecStart"]
    interpreter, flag, package = command.split()
    assert (interpreter, flag) == ("/usr/bin/python3.13", "-m")
    assert (program / package / "__main__.py").is_file()
    job = environment(stacks["Fleet"])["WORKER_JOB"]
    assert program.joinpath(*job.split(".")).with_suffix(".py").is_file()


def test_the_asset_compiles(judged: Path, program: Path) -> None:
    """compileall on the instance fails, and the instance ends, if one file does not."""
    functions = (judged / "dev").glob("asset.*/**/*.py")
    sources = [*functions, *program.rglob("*.py")]
    assert sources
    for path in sources:
        compile(path.read_bytes(), path.name, "exec", dont_inherit=True)


def test_the_asset_the_script_fetches_is_the_one_that_is_uploaded(
    stacks, variant: str, judged
) -> None:
    assets = json.loads(
        (judged / variant / f"Groundwork-{stage_of(variant)}-Fleet.assets.json").read_text()
    )
    uploaded = {
        destination["objectKey"]
        for each in assets["files"].values()
        for destination in each["destinations"].values()
    }
    ((_, template),) = resources(stacks["Fleet"], "AWS::EC2::LaunchTemplate").items()
    script = text(template["LaunchTemplateData"]["UserData"])
    match = re.search(r"aws s3 cp s3://[^/\s]+/(\S+)", script)
    assert match
    assert match.group(1) in uploaded


def test_every_import_has_its_export(stacks) -> None:
    exported = {
        output["Export"]["Name"]
        for template in stacks.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    imported = {
        node["Fn::ImportValue"]
        for template in stacks.values()
        for node in walk(template)
        if isinstance(node, dict) and "Fn::ImportValue" in node
    }
    assert imported
    assert imported <= exported


Read = tuple[str, str, Mapping[str, str]]  # namespace, metric, dimensions


def metrics_read(template: Template) -> Iterator[Read]:
    """Every metric that a policy, an alarm or the dashboard of a template reads."""
    for node in walk(template):
        if not isinstance(node, dict):
            continue
        if "MetricName" in node and "Namespace" in node:
            yield (
                node["Namespace"],
                node["MetricName"],
                {each["Name"]: text(each["Value"]) for each in node["Dimensions"]},
            )
    for widget in widgets(template):
        for row in widget["properties"].get("metrics", []):
            if isinstance(row[0], str):
                names = [each for each in row[2:] if isinstance(each, str)]
                yield row[0], row[1], dict(zip(names[::2], names[1::2], strict=True))


def widgets(template: Template) -> Iterator[dict[str, Any]]:
    for dashboard in resources(template, "AWS::CloudWatch::Dashboard").values():
        yield from json.loads(text(dashboard["DashboardBody"]))["widgets"]


def misread(template: Template) -> list[str]:
    queues = {f"<{name}.QueueName>" for name in resources(template, "AWS::SQS::Queue")}
    (group,) = resources(template, "AWS::AutoScaling::AutoScalingGroup")
    properties = resources(template, "AWS::AutoScaling::AutoScalingGroup")[group]
    groups = {f"<{group}>", properties["AutoScalingGroupName"]}
    worker = environment(template)
    known = {
        "AWS/SQS": (SQS_METRICS, "QueueName", queues),
        "AWS/AutoScaling": (GROUP_METRICS, "AutoScalingGroupName", groups),
        worker["WORKER_METRICS_NAMESPACE"]: (
            frozenset({*COUNTERS, "ProcessingTime", "DrainSeconds", "DrainTimedOut"}),
            "AutoScalingGroupName",
            {worker["WORKER_AUTO_SCALING_GROUP_NAME"]},
        ),
    }
    problems = []
    for namespace, metric, dimensions in metrics_read(template):
        names, dimension, values = known.get(namespace, (frozenset(), "", set()))
        if metric not in names or set(dimensions) != {dimension}:
            problems.append(f"nobody publishes {namespace} {metric} {dict(dimensions)}")
        elif dimensions[dimension] not in values:
            problems.append(f"{metric} is read of {dimensions[dimension]}, which is not here")
    return problems


def test_every_metric_that_is_read_is_published(stacks) -> None:
    """A misspelt metric is no error anywhere: its alarm just never rings."""
    assert misread(stacks["Fleet"]) == []
    assert len(list(metrics_read(stacks["Fleet"]))) > 20


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfVisibleMessages"),
        ("GroupInServiceInstances", "GroupInstancesInService"),
        ("DrainTimedOut", "DrainTimeout"),
        ("MessagesProcessed", "MessagesSucceeded"),
        ('"Value": "Groundwork-dev-Fleet-Workers"', '"Value": "Workers"'),
    ],
)
def test_a_misspelt_metric_is_noticed(judged_templates, old: str, new: str) -> None:
    before = json.dumps(judged_templates["dev"]["Fleet"])
    after = before.replace(old, new)
    assert after != before
    assert misread(json.loads(after))


def test_expressions_name_what_is_beside_them(stacks) -> None:
    """Metric math in policies, alarms and graphs uses exactly the metrics of its own list."""
    seen = 0
    for lists in metric_lists(stacks["Fleet"]):
        ids = {each.get("id") for each in lists}
        for each in lists:
            if "expression" in each:
                seen += 1
                assert references(each["expression"]) <= ids, each["expression"]
    assert seen >= 4


def metric_lists(template: Template) -> Iterator[list[dict[str, Any]]]:
    for node in walk(template):
        if isinstance(node, dict) and isinstance(node.get("Metrics"), list):
            yield [
                {key.lower(): value for key, value in each.items()}
                for each in node["Metrics"]
                if isinstance(each, dict)
            ]
    for widget in widgets(template):
        yield [
            options
            for row in widget["properties"].get("metrics", [])
            for options in row
            if isinstance(options, dict)
        ]


def test_instance_types_exist(stacks) -> None:
    data = Path(botocore.__file__).parent / "data" / "ec2" / "2016-11-15" / "service-2.json"
    packed = data.with_suffix(".json.gz")
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else data.read_bytes()
    known = set(json.loads(content)["shapes"]["InstanceType"]["enum"])
    (group,) = resources(stacks["Fleet"], "AWS::AutoScaling::AutoScalingGroup").values()
    types = {
        each["InstanceType"]
        for each in group["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]
    }
    assert types
    assert types <= known
    assert "c7g.tiny" not in known


def test_the_image_parameter_exists(stacks) -> None:
    images = [
        parameter["Default"]
        for parameter in stacks["Fleet"]["Parameters"].values()
        if "Image" in parameter["Type"]
    ]
    assert len(images) == 1
    assert IMAGES.fullmatch(images[0])


def test_endpoints_serve_what_the_role_may_do(stacks) -> None:
    """A right that the role has and an endpoint refuses shows on the instance alone."""
    allowed: dict[str, set[str]] = {}
    for endpoint in resources(stacks["Network"], "AWS::EC2::VPCEndpoint").values():
        for statement in endpoint["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                allowed.setdefault(action.split(":")[0], set()).add(action)
    needed = {
        action
        for name, role in resources(stacks["Fleet"], "AWS::IAM::Role").items()
        if name.startswith("Permissions")
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    nat = bool(resources(stacks["Network"], "AWS::EC2::NatGateway"))
    # SQS, S3 and DynamoDB call KMS themselves, on behalf of the caller.
    for action in {each for each in needed if not each.startswith("kms:")}:
        service = action.split(":")[0]
        assert action in allowed.get(service, set()) or (nat and service not in allowed), action


def test_alarms_that_call_a_person_have_a_line_in_the_runbook(stacks) -> None:
    runbook = (REPOSITORY / "docs" / "operations.md").read_text()
    alarms = [
        name
        for name, alarm in resources(stacks["Fleet"], "AWS::CloudWatch::Alarm").items()
        if "AlarmTopic" in text(alarm["AlarmActions"])
    ]
    assert len(alarms) >= 4
    for name in alarms:
        short = re.sub(r"^Alarms|[0-9A-F]{8}$", "", name)
        assert f"| `{short}` |" in runbook, short
