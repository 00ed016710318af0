"""Rules for the network and the buckets."""

from __future__ import annotations

import re

from tests.stacks.reading import (
    Properties,
    Template,
    as_list,
    resources,
    statements,
    text,
    walk,
)

INTERFACE_SERVICES = frozenset({"sqs", "logs", "autoscaling"})
SESSION_SERVICES = frozenset({"ssm", "ssmmessages"})


def _services(template: Template, kind: str) -> set[str]:
    return {
        text(endpoint["ServiceName"]).split(".")[-1]
        for endpoint in resources(template, "AWS::EC2::VPCEndpoint").values()
        if endpoint.get("VpcEndpointType") == kind
    }


def check_gateway_endpoints(template: Template) -> list[str]:
    """S3 and DynamoDB are reached for free, from every route table of the workers."""
    problems = [
        f"there is no gateway endpoint for {name}"
        for name in {"s3", "dynamodb"} - _services(template, "Gateway")
    ]
    tables = {name for name in resources(template, "AWS::EC2::RouteTable") if "Workers" in name}
    for name, endpoint in resources(template, "AWS::EC2::VPCEndpoint").items():
        if endpoint.get("VpcEndpointType") != "Gateway":
            continue
        routed = {text(item).strip("<>") for item in endpoint.get("RouteTableIds", [])}
        if tables - routed:
            problems.append(f"{name} is missing from {', '.join(sorted(tables - routed))}")
    return problems


def check_one_way_out(template: Template) -> list[str]:
    """Either the interface endpoints that are needed and no internet, or one NAT gateway."""
    gateways = resources(template, "AWS::EC2::NatGateway")
    interfaces = _services(template, "Interface")
    if gateways:
        problems = [] if len(gateways) == 1 else ["there is more than one NAT gateway"]
        if interfaces:
            problems.append("both a NAT gateway and interface endpoints are paid for")
        return problems
    problems = [f"there is no endpoint for {name}" for name in INTERFACE_SERVICES - interfaces]
    problems += [
        f"nobody needs the endpoint for {name}"
        for name in interfaces - INTERFACE_SERVICES - SESSION_SERVICES
    ]
    if 0 < len(interfaces & SESSION_SERVICES) < len(SESSION_SERVICES):
        problems.append("Session Manager needs both of its endpoints")
    if resources(template, "AWS::EC2::InternetGateway") or resources(template, "AWS::EC2::Route"):
        problems.append("there is a way to the internet")
    return problems


def check_endpoint_policies(template: Template) -> list[str]:
    """No endpoint carries calls of other accounts, apart from reading Amazon Linux packages."""
    problems = []
    for name, endpoint in resources(template, "AWS::EC2::VPCEndpoint").items():
        found = statements(endpoint.get("PolicyDocument"))
        if not found:
            problems.append(f"{name} allows every call of everybody")
        for statement in found:
            if any("*" in action for action in as_list(statement["Action"])):
                problems.append(f"{name} allows actions by wildcard")
            condition = str(statement.get("Condition", {}))
            packages = "al2023-repos-" in text(statement["Resource"])
            if "aws:PrincipalAccount" not in condition and not packages:
                problems.append(f"{name} allows calls of other accounts")
    return problems


def check_private_dns(template: Template) -> list[str]:
    return [
        f"{name} is not found under the service's own name"
        for name, endpoint in resources(template, "AWS::EC2::VPCEndpoint").items()
        if endpoint.get("VpcEndpointType") == "Interface"
        and endpoint.get("PrivateDnsEnabled") is not True
    ]


def check_no_open_ports(template: Template) -> list[str]:
    """Nothing comes in but HTTPS from the workers to the endpoints; nothing leaves but HTTPS."""
    groups = resources(template, "AWS::EC2::SecurityGroup")
    problems = [
        f"{name} is open for {rule.get('CidrIp') or rule.get('CidrIpv6')}"
        for name, group in groups.items()
        for rule in group.get("SecurityGroupIngress", [])
    ] + [
        f"{name} lets more than HTTPS out"
        for name, group in groups.items()
        for rule in group.get("SecurityGroupEgress", [])
        if (rule.get("FromPort"), rule.get("ToPort")) != (443, 443)
        and rule.get("CidrIp") != "255.255.255.255/32"
    ]
    for name, rule in resources(template, "AWS::EC2::SecurityGroupIngress").items():
        if "SourceSecurityGroupId" not in rule:
            problems.append(f"{name} is open for {rule.get('CidrIp') or rule.get('CidrIpv6')}")
        if (rule.get("FromPort"), rule.get("ToPort")) != (443, 443):
            problems.append(f"{name} opens more than HTTPS")
    return problems


def check_default_security_group_is_unused(template: Template) -> list[str]:
    if any(
        isinstance(value, list) and value[1:] == ["DefaultSecurityGroup"]
        for value in walk(template)
    ):
        return ["something is a member of the default security group"]
    return []


def check_no_public_addresses(template: Template) -> list[str]:
    return [
        f"{name} hands out public addresses"
        for name, subnet in resources(template, "AWS::EC2::Subnet").items()
        if subnet.get("MapPublicIpOnLaunch") is not False
    ]


def check_worker_subnets(template: Template) -> list[str]:
    zones = {
        text(subnet["AvailabilityZone"])
        for name, subnet in resources(template, "AWS::EC2::Subnet").items()
        if "Workers" in name
    }
    return [] if len(zones) >= 2 else ["workers are in one zone"]


def check_flow_logs(template: Template) -> list[str]:
    logs = list(resources(template, "AWS::EC2::FlowLog").values())
    if len(logs) != 1 or logs[0].get("TrafficType") != "ALL":
        return ["connections are not recorded"]
    return []


def check_no_custom_resources(template: Template) -> list[str]:
    """They make every deploy slower and bring functions of their own."""
    return [
        f"{name} is a custom resource"
        for name, resource in template["Resources"].items()
        if resource["Type"].startswith("Custom::")
        or resource["Type"] == "AWS::CloudFormation::CustomResource"
    ] + check_functions_are_ours(template)


def check_functions_are_ours(template: Template) -> list[str]:
    """What the CDK adds by itself is bundled behind our back."""
    return [
        f"{name} is a function of a custom resource's provider"
        for name, function in resources(template, "AWS::Lambda::Function").items()
        if not _is_ours(function)
    ]


def _is_ours(function: Properties) -> bool:
    """Functions that the CDK adds by itself are called index.handler and the like."""
    return re.fullmatch(r"\w+\.\w+\.handler", function.get("Handler", "")) is not None


def check_buckets(template: Template) -> list[str]:
    """Versioned, encrypted, private, forgetful of old versions and abandoned uploads."""
    problems = []
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        if bucket.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            problems.append(f"{name} keeps no versions")
        if not bucket.get("BucketEncryption"):
            problems.append(f"{name} does not say how it is encrypted")
        access = bucket.get("PublicAccessBlockConfiguration", {})
        if [*access.values()] != [True] * 4:
            problems.append(f"{name} can be made public")
        owner = bucket.get("OwnershipControls", {}).get("Rules", [{}])[0].get("ObjectOwnership")
        if owner != "BucketOwnerEnforced":
            problems.append(f"{name} still knows access control lists")
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        if not any("NoncurrentVersionExpiration" in rule for rule in rules):
            problems.append(f"{name} keeps old versions for ever")
        if not any("AbortIncompleteMultipartUpload" in rule for rule in rules):
            problems.append(f"{name} keeps abandoned uploads for ever")
    return problems


def check_uploads_are_announced(template: Template) -> list[str]:
    documents = [
        bucket
        for name, bucket in resources(template, "AWS::S3::Bucket").items()
        if name.startswith("BucketsDocuments")
    ]
    configuration = documents[0].get("NotificationConfiguration", {}) if documents else {}
    if configuration.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled") is not True:
        return ["uploads are not announced"]
    return []


def check_names_are_free(template: Template) -> list[str]:
    """A bucket with a fixed name cannot be made again, here or in another account."""
    return [
        f"{name} has a fixed name"
        for name, bucket in resources(template, "AWS::S3::Bucket").items()
        if "BucketName" in bucket
    ]


def check_document_outputs(template: Template) -> list[str]:
    wanted = {"DocumentsBucketName", "PreparedDocumentsBucketName"}
    return [f"there is no output {name}" for name in wanted - set(template.get("Outputs", {}))]
