"""DescribeStacks answers when an operation has ended."""

from __future__ import annotations

import json
import time

import pytest

from local.session import LocalAws

pytestmark = pytest.mark.xdist_group("local-aws")

SECONDS = 1


def test_who_asks_during_an_operation_hears_how_it_ended(aws: LocalAws) -> None:
    cloudformation = aws.client("cloudformation")
    wait = {"Handle": {"Ref": "Handle"}, "Timeout": SECONDS}
    resources = {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Nobody": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": wait},
    }
    began = time.monotonic()
    made = cloudformation.create_stack(
        StackName="waits",
        TemplateBody=json.dumps({"Resources": resources}),
        OnFailure="DO_NOTHING",
    )
    (stack,) = cloudformation.describe_stacks(StackName=made["StackId"])["Stacks"]
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert time.monotonic() - began >= SECONDS
    cloudformation.delete_stack(StackName="waits")
    (stack,) = cloudformation.describe_stacks(StackName=made["StackId"])["Stacks"]
    assert stack["StackStatus"] == "DELETE_COMPLETE"
