"""AWS::EC2::SecurityGroupIngress and AWS::EC2::SecurityGroupEgress: rules beside their group.

CDK writes a rule between two security groups as a resource of its own, because the groups refer to
each other. Here it becomes a permission of the group, as in EC2. All properties but Description
replace the rule
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupingress.html).
"""

from __future__ import annotations

import uuid
from typing import Any

from local.types.handlers import Outcome, Properties, add, required

STORES = {
    "AWS::EC2::SecurityGroupIngress": "IpPermissions",
    "AWS::EC2::SecurityGroupEgress": "IpPermissionsEgress",
}


def register() -> None:
    """Add both types."""
    for resource_type, store in STORES.items():
        _Rules(store).register(resource_type)


class _Rules:
    def __init__(self, store: str) -> None:
        self._store = store

    def register(self, resource_type: str) -> None:
        add(resource_type, create=self.create, update=self.update, delete=self.delete)

    def create(self, _logical_id: str, properties: Properties, _stack: str) -> Outcome:
        group = _groups().get(required(properties, "GroupId"))
        if group is None:
            raise ValueError(f"The security group '{properties['GroupId']}' does not exist")
        required(properties, "IpProtocol")
        wanted = _permissions(properties)
        permissions = group.setdefault(self._store, [])
        if any(rule in permissions for rule in wanted):
            raise ValueError("the specified rule already exists (InvalidPermission.Duplicate)")
        permissions.extend(wanted)
        rule_id = f"sgr-{uuid.uuid4().hex[:17]}"
        return rule_id, {"Id": rule_id}

    def update(self, rule_id: str, old: Properties, new: Properties, stack: str) -> Outcome:
        if {**old, "Description": None} == {**new, "Description": None}:
            self.delete(rule_id, old)
            self.create("", new, stack)
            return rule_id, {"Id": rule_id}
        replacement = self.create("", new, stack)
        self.delete(rule_id, old)
        return replacement

    def delete(self, _rule_id: str, properties: Properties) -> None:
        group = _groups().get(properties.get("GroupId", ""))
        if group is not None:
            gone = _permissions(properties)
            group[self._store] = [rule for rule in group.get(self._store, []) if rule not in gone]


def _groups() -> Any:
    from ministack.services import ec2

    return ec2._security_groups


def _permissions(properties: Properties) -> list[dict[str, Any]]:
    from ministack.services.cloudformation import provisioners

    found: list[dict[str, Any]] = provisioners._ec2_sg_permissions([properties])
    return found
