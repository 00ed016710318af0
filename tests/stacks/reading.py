"""Read synthesized templates as plain dictionaries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Template = dict[str, Any]
Properties = dict[str, Any]


def resources(template: Template, kind: str) -> dict[str, Properties]:
    """Logical id -> properties of every resource of a type."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def named(template: Template, kind: str, part: str) -> Properties:
    """Properties of the one resource of a type whose logical id contains `part`."""
    found = [value for name, value in resources(template, kind).items() if part in name]
    assert len(found) == 1, f"{len(found)} resources of {kind} are called *{part}*"
    return found[0]


def as_list(value: Any) -> list[Any]:
    """IAM and CloudFormation allow one where many may stand."""
    return value if isinstance(value, list) else [] if value is None else [value]


def text(value: Any) -> str:
    """Intrinsic functions flattened: what they refer to in angle brackets."""
    if isinstance(value, str):
        return re.sub(r"\$\{([^}]+)\}", r"<\1>", value)
    if isinstance(value, list):
        return "".join(text(item) for item in value)
    if isinstance(value, dict) and len(value) == 1:
        function, argument = next(iter(value.items()))
        if function == "Ref":
            return f"<{argument}>"
        if function == "Fn::GetAtt":
            return f"<{'.'.join(argument)}>"
        if function == "Fn::Join":
            return argument[0].join(text(item) for item in argument[1])
        if function == "Fn::ImportValue":
            return f"<import:{text(argument)}>"
        if function in ("Fn::Sub", "Fn::Base64"):
            return text(argument)
    return str(value)


def statements(document: Any) -> list[dict[str, Any]]:
    return as_list((document or {}).get("Statement"))


def user_data(template: Template) -> str:
    """The script of the one launch template."""
    (properties,) = resources(template, "AWS::EC2::LaunchTemplate").values()
    return text(properties["LaunchTemplateData"].get("UserData", ""))


def heredoc(script: str, path: str, end: str) -> str:
    """Content of the file that the script writes to `path`; empty when it writes none."""
    match = re.search(
        rf"^cat > {re.escape(path)} <<'{end}'\n(.*?)\n{end}$", script, re.MULTILINE | re.DOTALL
    )
    return match.group(1) if match else ""


def environment(template: Template) -> dict[str, str]:
    """What the worker finds in its environment."""
    content = heredoc(user_data(template), "/etc/groundwork/worker.env", "GROUNDWORK_ENV")
    return dict(line.split("=", 1) for line in content.splitlines() if "=" in line)


def unit(template: Template) -> dict[str, list[str]]:
    """Keys of the systemd unit; a key may come more than once."""
    content = heredoc(
        user_data(template), "/etc/systemd/system/groundwork-worker.service", "GROUNDWORK_UNIT"
    )
    found: dict[str, list[str]] = {}
    for line in content.splitlines():
        if "=" in line:
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def policies(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Owner and document of every identity policy, inline ones included."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            yield f"{name}/{policy['PolicyName']}", policy["PolicyDocument"]
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for name, policy in resources(template, kind).items():
            yield name, policy["PolicyDocument"]


def resource_policies(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Owner and document of every resource policy: queues, buckets, topics, keys, endpoints."""
    for kind, member in (
        ("AWS::SQS::QueuePolicy", "PolicyDocument"),
        ("AWS::S3::BucketPolicy", "PolicyDocument"),
        ("AWS::SNS::TopicPolicy", "PolicyDocument"),
        ("AWS::KMS::Key", "KeyPolicy"),
        ("AWS::EC2::VPCEndpoint", "PolicyDocument"),
    ):
        for name, properties in resources(template, kind).items():
            yield name, properties.get(member, {})


def walk(value: Any) -> Iterator[Any]:
    """Every node of a template, leaves included."""
    yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from walk(child)


def alarm_metrics(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Alarm and metric, of alarms on a single metric and of those with metric math."""
    for name, alarm in resources(template, "AWS::CloudWatch::Alarm").items():
        if "MetricName" in alarm:
            yield name, alarm
        for query in alarm.get("Metrics", []):
            if "MetricStat" in query:
                yield name, query["MetricStat"]["Metric"]
