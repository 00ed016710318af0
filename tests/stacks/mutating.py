"""Ways to break a template in one place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.stacks.reading import Template, as_list, resources, statements

Mutation = Callable[[Template], Any]
Case = tuple[str, str, Mutation, str]  # what is broken, in which stack, how, the rule to notice


def one(template: Template, kind: str, part: str = "") -> dict[str, Any]:
    """Properties of the first resource of a type whose logical id contains `part`."""
    return next(value for name, value in resources(template, kind).items() if part in name)


def group(template: Template) -> dict[str, Any]:
    return one(template, "AWS::AutoScaling::AutoScalingGroup")


def launch(template: Template) -> dict[str, Any]:
    data: dict[str, Any] = one(template, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    return data


def tracking(template: Template) -> dict[str, Any]:
    configuration: dict[str, Any] = one(
        template, "AWS::AutoScaling::ScalingPolicy", "BacklogPerInstance"
    )["TargetTrackingConfiguration"]
    return configuration


def metrics(template: Template) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tracking(template)["CustomizedMetricSpecification"]["Metrics"]
    return found


def expression(old: str, new: str) -> Mutation:
    def mutate(template: Template) -> None:
        for query in metrics(template):
            if "Expression" in query:
                assert old in query["Expression"]
                query["Expression"] = query["Expression"].replace(old, new)

    return mutate


def script(old: str, new: str) -> Mutation:
    """Replace text in the user data, wherever its pieces are."""

    def mutate(template: Template) -> None:
        parts = launch(template)["UserData"]["Fn::Base64"]["Fn::Join"][1]
        assert any(isinstance(part, str) and old in part for part in parts), old
        parts[:] = [part.replace(old, new) if isinstance(part, str) else part for part in parts]

    return mutate


def without(kind: str, part: str, *path: str) -> Mutation:
    """Drop a property, or the whole resource."""

    def mutate(template: Template) -> None:
        names = [name for name in resources(template, kind) if part in name]
        assert names, f"{kind} *{part}*"
        if not path:
            del template["Resources"][names[0]]
            return
        target = template["Resources"][names[0]]["Properties"]
        for step in path[:-1]:
            target = target[step]
        del target[path[-1]]

    return mutate


def changed(kind: str, part: str, *path: Any) -> Mutation:
    """Set the property at `path[:-1]` to `path[-1]`."""

    def mutate(template: Template) -> None:
        target = one(template, kind, part)
        for step in path[:-2]:
            target = target[step]
        target[path[-2]] = path[-1]

    return mutate


def independent(kind: str, part: str) -> Mutation:
    """Let a resource wait for nothing that it does not refer to."""

    def mutate(template: Template) -> None:
        name = next(each for each in resources(template, kind) if part in each)
        del template["Resources"][name]["DependsOn"]

    return mutate


def told(function: str, name: str, value: Any) -> Mutation:
    """Change a variable of a function's environment."""
    return changed("AWS::Lambda::Function", function, "Environment", "Variables", name, value)


def policy(role: str, name: str, index: int, member: str, value: Any) -> Mutation:
    """Change a statement of a policy."""

    def mutate(template: Template) -> None:
        policies = one(template, "AWS::IAM::Role", role)["Policies"]
        found = next(each for each in policies if each["PolicyName"] == name)
        found["PolicyDocument"]["Statement"][index][member] = value

    return mutate


def no_policy(role: str, name: str) -> Mutation:
    def mutate(template: Template) -> None:
        properties = one(template, "AWS::IAM::Role", role)
        properties["Policies"] = [
            each for each in properties["Policies"] if each["PolicyName"] != name
        ]

    return mutate


def no_action(role: str, action: str) -> Mutation:
    """Take an action from every statement of a role."""

    def mutate(template: Template) -> None:
        for each in one(template, "AWS::IAM::Role", role)["Policies"]:
            for statement in statements(each["PolicyDocument"]):
                kept = [name for name in as_list(statement["Action"]) if name != action]
                statement["Action"] = kept

    return mutate


def no_output(name: str) -> Mutation:
    def mutate(template: Template) -> None:
        del template["Outputs"][name]

    return mutate


def drop_tls(kind: str, part: str) -> Mutation:
    def mutate(template: Template) -> None:
        document = one(template, kind, part)["PolicyDocument"]
        document["Statement"] = [
            statement for statement in document["Statement"] if statement["Effect"] != "Deny"
        ]

    return mutate


def open_port(template: Template) -> None:
    one(template, "AWS::EC2::SecurityGroup", "Worker")["SecurityGroupIngress"] = [
        {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    ]


def launch_configuration(template: Template) -> None:
    template["Resources"]["Old"] = {"Type": "AWS::AutoScaling::LaunchConfiguration"}


def no_refresh(template: Template) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::AutoScaling::AutoScalingGroup":
            del resource["UpdatePolicy"]["AutoScalingInstanceRefresh"]


def allow(action: str, resource: Any, index: int = 0) -> Mutation:
    def mutate(template: Template) -> None:
        policy = one(template, "AWS::IAM::Role", "Permissions")["Policies"][index]
        statement = policy["PolicyDocument"]["Statement"][0]
        statement["Action"] = action
        if resource is not None:
            statement["Resource"] = resource

    return mutate


def trust_everybody(template: Template) -> None:
    role = one(template, "AWS::IAM::Role", "Permissions")
    role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


def misspell_service(template: Template) -> None:
    role = one(template, "AWS::IAM::Role", "Permissions")
    role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"Service": "ec2.amazonaw.com"}


def version_one(template: Template) -> None:
    policy = group(template)["MixedInstancesPolicy"]["LaunchTemplate"]
    policy["LaunchTemplateSpecification"]["Version"] = "1"


def everybody_may_send(template: Template) -> None:
    policy = one(template, "AWS::SQS::QueuePolicy", "WorkQueue")["PolicyDocument"]
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow":
            del statement["Condition"]


def route_out(template: Template) -> None:
    template["Resources"]["Out"] = {"Type": "AWS::EC2::InternetGateway"}


def open_endpoint(template: Template) -> None:
    endpoint = one(template, "AWS::EC2::VPCEndpoint", "Sqs")
    del endpoint["PolicyDocument"]["Statement"][0]["Condition"]


def extra_endpoint(template: Template) -> None:
    extra = copy.deepcopy(one(template, "AWS::EC2::VPCEndpoint", "Sqs"))
    extra["ServiceName"] = {"Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, ".ec2"]]}
    template["Resources"]["Extra"] = {"Type": "AWS::EC2::VPCEndpoint", "Properties": extra}


def custom_resource(template: Template) -> None:
    template["Resources"]["Empty"] = {"Type": "Custom::S3AutoDeleteObjects", "Properties": {}}


GROUP = "AWS::AutoScaling::AutoScalingGroup"
QUEUE = "AWS::SQS::Queue"
ALARM = "AWS::CloudWatch::Alarm"
POLICY = "AWS::AutoScaling::ScalingPolicy"
BUCKET = "AWS::S3::Bucket"
DATA = "LaunchTemplateData"
TEMPLATE = "AWS::EC2::LaunchTemplate"
TRACK = "TargetTrackingConfiguration"
TYPES = ("MixedInstancesPolicy", "LaunchTemplate", "Overrides")
SPREAD = ("MixedInstancesPolicy", "InstancesDistribution")
