"""AWS::EC2::EIP and AWS::EC2::NatGateway, for networks whose egress is a NAT gateway.

Records only: a process on this machine reaches what the machine reaches, whatever the routes say.
Everything but the tags replaces a NAT gateway in the form that we use
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-natgateway.html).
"""

from __future__ import annotations

import time
import uuid
from ipaddress import IPv4Address

from local.types.handlers import Outcome, Properties, add, required

# For documentation only, so never somebody's address (https://www.rfc-editor.org/rfc/rfc5737).
FIRST_ADDRESS = IPv4Address("203.0.113.1")


def register() -> None:
    """Add both types."""
    add(
        "AWS::EC2::EIP",
        create=_create_address,
        update=_update_address,
        delete=_delete_address,
    )
    add(
        "AWS::EC2::NatGateway",
        create=_create_gateway,
        update=_update_gateway,
        delete=_delete_gateway,
    )


def _create_address(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import ec2

    taken = {address["PublicIp"] for address in ec2._addresses.values()}
    public = next(
        str(FIRST_ADDRESS + number)
        for number in range(len(taken) + 1)
        if str(FIRST_ADDRESS + number) not in taken
    )
    allocation = f"eipalloc-{uuid.uuid4().hex[:17]}"
    ec2._addresses[allocation] = {
        "AllocationId": allocation,
        "PublicIp": public,
        "Domain": properties.get("Domain", "vpc"),
        "AssociationId": None,
        "InstanceId": None,
        "NetworkInterfaceId": None,
        "PrivateIpAddress": None,
    }
    _tag(allocation, properties)
    return public, {"AllocationId": allocation, "PublicIp": public}


def _update_address(public: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if old.get("Domain") != new.get("Domain"):
        replacement = _create_address("", new, stack)
        _delete_address(public, old)
        return replacement
    allocation = _allocation(public)
    if allocation is None:
        return _create_address("", new, stack)
    _tag(allocation, new)
    return public, {"AllocationId": allocation, "PublicIp": public}


def _delete_address(public: str, _properties: Properties) -> None:
    from ministack.services import ec2

    allocation = _allocation(public)
    if allocation is not None:
        ec2._addresses.pop(allocation)
        ec2._tags.pop(allocation, None)


def _allocation(public: str) -> str | None:
    from ministack.services import ec2

    for allocation, address in ec2._addresses.items():
        if address["PublicIp"] == public:
            return str(allocation)
    return None


def _create_gateway(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import ec2

    subnet = ec2._subnets.get(required(properties, "SubnetId"))
    if subnet is None:
        raise ValueError(f"The subnet ID '{properties['SubnetId']}' does not exist")
    connectivity = properties.get("ConnectivityType", "public")
    allocation = properties.get("AllocationId")
    if connectivity == "public" and allocation not in ec2._addresses:
        raise ValueError(f"Elastic IP address [{allocation}] could not be associated")
    gateway = f"nat-{uuid.uuid4().hex[:17]}"
    ec2._nat_gateways[gateway] = {
        "NatGatewayId": gateway,
        "SubnetId": properties["SubnetId"],
        "VpcId": subnet["VpcId"],
        "AllocationId": allocation,
        "ConnectivityType": connectivity,
        "State": "available",
        "CreateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Tags": [],
    }
    _tag(gateway, properties)
    return gateway, {"NatGatewayId": gateway}


def _update_gateway(gateway: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if {**old, "Tags": None} == {**new, "Tags": None}:
        _tag(gateway, new)
        return gateway, {"NatGatewayId": gateway}
    replacement = _create_gateway("", new, stack)
    _delete_gateway(gateway, old)
    return replacement


def _delete_gateway(gateway: str, _properties: Properties) -> None:
    from ministack.services import ec2

    ec2._nat_gateways.pop(gateway, None)
    ec2._tags.pop(gateway, None)


def _tag(resource: str, properties: Properties) -> None:
    from ministack.services import ec2

    ec2._tags[resource] = [
        {"Key": str(tag["Key"]), "Value": str(tag.get("Value", ""))}
        for tag in properties.get("Tags", [])
    ]
