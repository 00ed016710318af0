"""EC2's part of an instance: its record in the emulated EC2, its user data, role and machine."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from typing import Any

from local.fleet import instance as states
from local.fleet.deployed_group import DeployedGroup, launch_template_data
from local.fleet.instance import Instance
from local.fleet.machine import Machine, MachineRoom
from local.fleet.metadata_items import metadata_items
from local.fleet.metadata_service import MetadataService

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}


class EmulatedEc2:
    """Starts the instances of one group. `on_event(instance, kind, text)` hears of its machines."""

    def __init__(
        self,
        *,
        group: DeployedGroup,
        room: MachineRoom,
        region: str,
        on_event: Callable[[Instance, str, str], None],
    ) -> None:
        self._group = group
        self._room = room
        self._region = region
        self._on_event = on_event
        self._records: dict[str, dict[str, Any]] = {}

    def new_id(self) -> str:
        """An instance id that nobody has."""
        return f"i-{secrets.token_hex(9)[:17]}"

    def launch(self, instance: Instance) -> None:
        """Make the record, then power on. Raises DeployedGroupError."""
        data = launch_template_data(instance.template)
        record = self._record(instance, data)
        metadata = MetadataService(
            role=_role(data),
            items=metadata_items(instance, region=self._region, ip=record["PrivateIpAddress"]),
        )
        machine = Machine(
            instance_id=instance.instance_id,
            room=self._room,
            region=self._region,
            user_data=decoded(str(data.get("UserData", ""))),
            metadata=metadata,
            on_event=lambda kind, text: self._on_event(instance, kind, text),
        )
        instance.machine = machine
        machine.start()

    def sync(self, instance: Instance) -> None:
        """Bring the record's state in line with the instance."""
        record = self._records.get(instance.instance_id)
        if record is None:
            return
        name = state_name(instance)
        record["State"] = {"Code": CODES[name], "Name": name}
        if name == "terminated":
            record.setdefault("_terminated_at", time.time())
            del self._records[instance.instance_id]

    def terminated_by_api(self, instance: Instance) -> bool:
        """Whether somebody called TerminateInstances for it."""
        record = self._records.get(instance.instance_id)
        return (
            record is not None
            and record["State"]["Name"] in ("terminated", "shutting-down")
            and (state_name(instance) in ("pending", "running"))
        )

    def _record(self, instance: Instance, data: Any) -> dict[str, Any]:
        from ministack.services import ec2

        profile = data.get("IamInstanceProfile") or {}
        record: dict[str, Any]
        (record,) = ec2._launch_instances_internal(
            image_id=str(data.get("ImageId", "ami-00000000")),
            instance_type=instance.instance_type,
            subnet_id=self._group.subnets().get(instance.zone, ec2._DEFAULT_SUBNET_ID),
            count=1,
            user_data=str(data.get("UserData", "")),
            sg_ids=list(data.get("SecurityGroupIds") or ()),
            iam_profile={"Arn": profile["Arn"]} if profile.get("Arn") else None,
        )
        _rename(record, instance.instance_id)
        record["State"] = {"Code": CODES["pending"], "Name": "pending"}
        record["Architecture"] = "arm64"
        record["PublicIpAddress"] = record["PublicDnsName"] = ""
        record["Placement"] = {"AvailabilityZone": instance.zone, "Tenancy": "default"}
        record["LaunchTime"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        self._records[instance.instance_id] = record
        ec2._tags[instance.instance_id] = self._tags(data)
        return record

    def _tags(self, data: Any) -> list[dict[str, str]]:
        """The template's tags, the group's that propagate, and the one that names the group.

        https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html
        """
        tags: dict[str, str] = {}
        for specification in data.get("TagSpecifications") or ():
            if specification.get("ResourceType") == "instance":
                tags |= {tag["Key"]: str(tag["Value"]) for tag in specification.get("Tags", ())}
        for tag in self._group.record.get("Tags") or ():
            if tag.get("PropagateAtLaunch"):
                tags[tag["Key"]] = str(tag["Value"])
        tags["aws:autoscaling:groupName"] = self._group.name
        return [{"Key": key, "Value": value} for key, value in tags.items()]


def _rename(record: dict[str, Any], identifier: str) -> None:
    """Give a record that MiniStack has just made, and its volume, our instance id."""
    from ministack.services import ec2

    del ec2._instances[record["InstanceId"]]
    for association in list(ec2._iam_instance_profile_associations.values()):
        if association["InstanceId"] == record["InstanceId"]:
            association["InstanceId"] = identifier
    record["InstanceId"] = identifier
    for mapping in record["BlockDeviceMappings"]:
        for attachment in ec2._volumes[mapping["Ebs"]["VolumeId"]]["Attachments"]:
            attachment["InstanceId"] = identifier
    ec2._instances[identifier] = record


def state_name(instance: Instance) -> str:
    """EC2's word for the state of an instance."""
    if instance.gone or instance.state == states.TERMINATED:
        return "terminated"
    if instance.state == states.TERMINATING_PROCEED:
        return "shutting-down"
    return "pending" if instance.state == states.PENDING else "running"


def decoded(user_data: str) -> str:
    """The script; launch templates hold it in base64."""
    try:
        return base64.b64decode(user_data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return user_data


def _role(data: Any) -> str:
    """The role of the instance profile; the profile's name when the profile is not known."""
    from ministack.services import iam

    profile = data.get("IamInstanceProfile") or {}
    name = str(profile.get("Name") or str(profile.get("Arn", "")).rpartition("/")[2])
    for role in (iam._instance_profiles.get(name) or {}).get("Roles", ()):
        return str(role["RoleName"] if isinstance(role, dict) else role)
    return name or "worker"
