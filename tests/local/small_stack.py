"""A stack of a few resources, which may fail and says why."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.session import LocalAws

Resources = Mapping[str, Mapping[str, Any]]


class Stack:
    """A stack that may fail, which then says why."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self._cloudformation = aws.client("cloudformation")
        self._name = name
        self._exists = False

    def deploy(
        self, resources: Resources, role: str | None = None, *, outputs: Resources | None = None
    ) -> dict[str, str]:
        """The outputs: what resources are called, unless others are wanted."""
        named = {
            name: {"Value": {"Ref": name}} for name in resources if not name.startswith("Hidden")
        }
        wanted = named if outputs is None else outputs
        request = {
            "StackName": self._name,
            "TemplateBody": json.dumps({"Resources": resources, "Outputs": wanted}),
            **({"RoleARN": role} if role else {}),
        }
        if self._exists:
            self._cloudformation.update_stack(**request)
        else:
            self._cloudformation.create_stack(**request, OnFailure="DO_NOTHING")
        self._exists = True
        described = self._settled()
        if not described["StackStatus"].endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
            raise AssertionError(f"{described['StackStatus']}: {self.why()}")
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    def _settled(self) -> dict[str, Any]:
        for _ in range(300):
            try:
                found = self._cloudformation.describe_stacks(StackName=self._name)["Stacks"][0]
            except ClientError:
                return {"StackStatus": "DELETE_COMPLETE"}
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return dict(found)
            time.sleep(0.1)
        raise AssertionError(f"{self._name} does not settle: {found['StackStatus']}")

    def id_of(self, logical_id: str) -> str:
        found = self._cloudformation.describe_stack_resource(
            StackName=self._name, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def why(self) -> str:
        events = self._cloudformation.describe_stack_events(StackName=self._name)["StackEvents"]
        return " | ".join(
            each["ResourceStatusReason"] for each in events if each.get("ResourceStatusReason")
        )

    def delete(self) -> str:
        """The state that it ends in."""
        if not self._exists:
            return "DELETE_COMPLETE"
        self._cloudformation.delete_stack(StackName=self._name)
        state = str(self._settled()["StackStatus"])
        self._exists = state != "DELETE_COMPLETE"
        return state


def get(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}
