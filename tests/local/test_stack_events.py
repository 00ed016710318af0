"""A rule hears how the stack that it is in has been made and changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.session import LocalAws

pytestmark = pytest.mark.xdist_group("local-aws")

PATTERN = {
    "source": ["aws.cloudformation"],
    "detail-type": ["CloudFormation Stack Status Change"],
    "detail": {
        "stack-id": [{"Ref": "AWS::StackId"}],
        "status-details": {"status": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]},
    },
}


def template(description: str) -> str:
    target = {"Id": "Queue", "Arn": {"Fn::GetAtt": ["Heard", "Arn"]}}
    rule = {"EventPattern": PATTERN, "Targets": [target], "Description": description}
    return json.dumps(
        {
            "Resources": {
                "Heard": {"Type": "AWS::SQS::Queue"},
                "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
            },
            "Outputs": {"Heard": {"Value": {"Ref": "Heard"}}},
        }
    )


def heard(aws: LocalAws, url: str) -> list[dict[str, Any]]:
    messages = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    events = [json.loads(each["Body"]) for each in messages.get("Messages", [])]
    return [{"type": each["detail-type"], **each["detail"]} for each in events]


def test_a_rule_hears_of_its_own_stack_and_of_no_other(aws: LocalAws) -> None:
    cloudformation = aws.client("cloudformation")
    made = cloudformation.create_stack(StackName="hears", TemplateBody=template("one"))
    cloudformation.describe_stacks(StackName="hears")  # which waits
    url = aws.outputs("hears")["Heard"]
    other = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    cloudformation.create_stack(StackName="unheard", TemplateBody=other)
    cloudformation.update_stack(StackName="hears", TemplateBody=template("two"))
    for name in ("hears", "unheard"):
        cloudformation.describe_stacks(StackName=name)
    assert sorted(heard(aws, url), key=str) == [
        {
            "type": "CloudFormation Stack Status Change",
            "stack-id": made["StackId"],
            "status-details": {"status": status},
        }
        for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    ]
    for name in ("hears", "unheard"):
        cloudformation.delete_stack(StackName=name)
        cloudformation.describe_stacks(StackName=made["StackId"])
