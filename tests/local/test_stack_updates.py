"""What CloudFormation does when a stack changes: replaces, refuses, takes back."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from local.session import LocalAws
from tests.local.knowledge_resources import buckets
from tests.local.small_stack import Resources, Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def test_what_was_replaced_stays_when_the_update_fails(stack: Stack, aws: LocalAws) -> None:
    before = stack.deploy(buckets(dimension=3))
    broken = {"Type": "AWS::S3Vectors::Index", "DependsOn": "Index", "Properties": {}}
    with pytest.raises(AssertionError, match=r"required key \[DataType\] not found"):
        stack.deploy({**buckets(index="others", dimension=4), "Hidden": broken})
    found = aws.client("s3vectors").list_indexes(vectorBucketArn=before["Bucket"])["indexes"]
    assert [each["indexArn"] for each in found] == [before["Index"]]
    after = stack.deploy(buckets(index="others", dimension=4))
    found = aws.client("s3vectors").list_indexes(vectorBucketArn=before["Bucket"])["indexes"]
    assert [each["indexArn"] for each in found] == [after["Index"]] != [before["Index"]]


def test_a_resource_does_not_become_one_of_another_type(stack: Stack, aws: LocalAws) -> None:
    stack.deploy({"Thing": {"Type": "AWS::SQS::Queue", "Properties": {}}})
    with pytest.raises(AssertionError, match=r"modifies resource type of .*: \[Thing\]"):
        stack.deploy({"Thing": {"Type": "AWS::SNS::Topic", "Properties": {}}})


def test_a_change_of_outputs_alone_is_a_change(aws: LocalAws) -> None:
    cloudformation = aws.client("cloudformation")
    queue = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}

    def change(kind: str, outputs: Mapping[str, Any]) -> str:
        body = json.dumps({"Resources": queue, "Outputs": outputs})
        made = cloudformation.create_change_set(
            StackName="outputs",
            ChangeSetName=f"c{time.monotonic_ns()}",
            ChangeSetType=kind,
            TemplateBody=body,
        )
        waiter = cloudformation.get_waiter("change_set_create_complete")
        waiter.wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 9})
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
        waiter = cloudformation.get_waiter(f"stack_{kind.lower()}_complete")
        waiter.wait(StackName="outputs", WaiterConfig={"Delay": 1, "MaxAttempts": 9})
        return str(made["Id"])

    change("CREATE", {"A": {"Value": "a"}})
    try:
        change("UPDATE", {"A": {"Value": "a"}, "B": {"Value": "b", "Export": {"Name": "b"}}})
        exports = cloudformation.list_exports()["Exports"]
        assert [each["Value"] for each in exports if each["Name"] == "b"] == ["b"]
        with pytest.raises(WaiterError):
            change("UPDATE", {"A": {"Value": "a"}, "B": {"Value": "b", "Export": {"Name": "b"}}})
    finally:
        cloudformation.delete_stack(StackName="outputs")


def test_what_another_stack_imports_is_neither_changed_nor_removed(
    aws: LocalAws, stack: Stack
) -> None:
    def topics(name: str) -> Resources:
        return {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}}

    exported = {"Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]},
                         "Export": {"Name": "exported-topic"}}}  # fmt: skip
    stack.deploy(topics("first"), outputs=exported)
    user = Stack(aws, "exports-user")
    parameter = {"Type": "String", "Value": {"Fn::ImportValue": "exported-topic"}}
    try:
        user.deploy({"Name": {"Type": "AWS::SSM::Parameter", "Properties": parameter}})
        with pytest.raises(AssertionError):
            stack.deploy(topics("second"), outputs=exported)
        assert "exported-topic cannot be updated as it is in use by exports-user" in stack.why()
        with pytest.raises(AssertionError):
            stack.deploy(topics("first"))
        assert "Cannot delete export exported-topic as it is in use" in stack.why()
    finally:
        user.delete()
    stack.deploy(topics("second"))
    exports = aws.client("cloudformation").list_exports()["Exports"]
    assert "exported-topic" not in {each["Name"] for each in exports}
