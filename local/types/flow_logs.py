"""AWS::EC2::FlowLog: the record that DescribeFlowLogs shows. There is no traffic to log here.

Every property but Tags replaces the flow log
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html).
"""

from __future__ import annotations

import time
import uuid

from local.types.handlers import Outcome, Properties, add, required

RESOURCE_TYPES = (
    "NetworkInterface",
    "Subnet",
    "VPC",
    "TransitGateway",
    "TransitGatewayAttachment",
    "RegionalNatGateway",
)


def register() -> None:
    """Add the type."""
    add("AWS::EC2::FlowLog", create=_create, update=_update, delete=_delete)


def _create(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import ec2

    resource = required(properties, "ResourceId")
    kind = required(properties, "ResourceType")
    if kind not in RESOURCE_TYPES:
        raise ValueError(f"ResourceType {kind} must be one of {', '.join(RESOURCE_TYPES)}")
    if kind == "VPC" and resource not in ec2._vpcs:
        raise ValueError(f"The vpc ID '{resource}' does not exist (InvalidVpcId.NotFound)")
    destination = properties.get("LogDestinationType", "cloud-watch-logs")
    if destination == "cloud-watch-logs":
        required(properties, "DeliverLogsPermissionArn")
    flow_log = f"fl-{uuid.uuid4().hex[:17]}"
    ec2._flow_logs[flow_log] = {
        "FlowLogId": flow_log,
        "ResourceId": resource,
        "ResourceType": kind,
        "TrafficType": properties.get("TrafficType", "ALL"),
        "LogDestinationType": destination,
        "LogDestination": properties.get("LogDestination") or properties.get("LogGroupName", ""),
        "FlowLogStatus": "ACTIVE",
        "CreationTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    _tag(flow_log, properties)
    return flow_log, {"Id": flow_log}


def _update(flow_log: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if {**old, "Tags": None} == {**new, "Tags": None}:
        _tag(flow_log, new)
        return flow_log, {"Id": flow_log}
    replacement = _create("", new, stack)
    _delete(flow_log, old)
    return replacement


def _delete(flow_log: str, _properties: Properties) -> None:
    from ministack.services import ec2

    ec2._flow_logs.pop(flow_log, None)
    ec2._tags.pop(flow_log, None)


def _tag(flow_log: str, properties: Properties) -> None:
    from ministack.services import ec2

    ec2._tags[flow_log] = [
        {"Key": str(tag["Key"]), "Value": str(tag.get("Value", ""))}
        for tag in properties.get("Tags", [])
    ]
