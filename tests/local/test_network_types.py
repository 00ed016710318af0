"""Rules of security groups, flow logs and NAT gateways through CloudFormation."""

from __future__ import annotations

from typing import Any

import pytest

from local.session import LocalAws
from tests.local.small_stack import Resources, Stack

pytestmark = pytest.mark.xdist_group("local-aws")

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}
SUBNET = {
    "Type": "AWS::EC2::Subnet",
    "Properties": {
        "VpcId": {"Ref": "Vpc"},
        "CidrBlock": "10.9.0.0/24",
        "AvailabilityZone": "eu-west-1a",
    },
}


def ingress(**properties: Any) -> Resources:
    group = {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}}
    rule = {
        "GroupId": {"Fn::GetAtt": ["Endpoints", "GroupId"]},
        "SourceSecurityGroupId": {"Fn::GetAtt": ["Workers", "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        **properties,
    }
    return {
        "Vpc": VPC,
        "Endpoints": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        "Workers": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        "Rule": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule},
    }


def permissions(aws: LocalAws, stack: Stack) -> list[dict[str, Any]]:
    groups = aws.client("ec2").describe_security_groups(GroupIds=[stack.id_of("Endpoints")])
    return list(groups["SecurityGroups"][0]["IpPermissions"])


def test_a_rule_beside_its_group_is_a_permission_of_the_group(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(ingress())
    (permission,) = permissions(aws, stack)
    assert (permission["FromPort"], permission["ToPort"]) == (443, 443)
    assert permission["UserIdGroupPairs"][0]["GroupId"] == stack.id_of("Workers")


def test_a_changed_rule_takes_the_place_of_the_old_one(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(ingress())
    first = stack.id_of("Rule")
    stack.deploy(ingress(FromPort=8443, ToPort=8443))
    (permission,) = permissions(aws, stack)
    assert permission["FromPort"] == 8443
    assert stack.id_of("Rule") != first


def test_a_removed_rule_is_gone(aws: LocalAws, stack: Stack) -> None:
    resources = ingress()
    stack.deploy(resources)
    del resources["Rule"]
    stack.deploy(resources)
    assert permissions(aws, stack) == []


def test_a_rule_of_a_group_that_is_not_there_fails_with_the_reason(stack: Stack) -> None:
    rule = ingress(GroupId="sg-nowhere")["Rule"]
    rule["Properties"]["SourceSecurityGroupId"] = "sg-nowhere"
    with pytest.raises(AssertionError):
        stack.deploy({"Rule": rule})
    assert "sg-nowhere" in stack.why()


def test_a_flow_log_is_recorded_and_removed(aws: LocalAws, stack: Stack) -> None:
    log = {
        "Type": "AWS::EC2::FlowLog",
        "Properties": {
            "ResourceId": {"Ref": "Vpc"},
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogGroupName": "flow",
            "DeliverLogsPermissionArn": "arn:aws:iam::000000000000:role/flow",
        },
    }
    stack.deploy({"Vpc": VPC, "Log": log})
    ec2 = aws.client("ec2")
    (found,) = ec2.describe_flow_logs(FlowLogIds=[stack.id_of("Log")])["FlowLogs"]
    assert found["ResourceId"] == stack.id_of("Vpc")
    assert found["LogDestination"] == "flow"
    identifier = stack.id_of("Log")
    stack.deploy({"Vpc": VPC})
    assert ec2.describe_flow_logs(FlowLogIds=[identifier])["FlowLogs"] == []


def test_a_nat_gateway_takes_its_address(aws: LocalAws, stack: Stack) -> None:
    gateway = {
        "SubnetId": {"Ref": "Subnet"},
        "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
    }
    stack.deploy(
        {
            "Vpc": VPC,
            "Subnet": SUBNET,
            "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
            "Gateway": {"Type": "AWS::EC2::NatGateway", "Properties": gateway},
        }
    )
    ec2 = aws.client("ec2")
    gateways = ec2.describe_nat_gateways(NatGatewayIds=[stack.id_of("Gateway")])["NatGateways"]
    assert gateways[0]["VpcId"] == stack.id_of("Vpc")
    public = stack.id_of("Address")
    assert public in {each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]}
    stack.delete()
    assert public not in {each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]}
