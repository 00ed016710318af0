"""Functions through CloudFormation: destinations of failures, reserved and scaled concurrency."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from local.session import LocalAws
from tests.local.small_stack import Resources, Stack

pytestmark = pytest.mark.xdist_group("local-aws")

FUNCTION_ROLE = "arn:aws:iam::000000000000:role/any"


def failing_function() -> Resources:
    """A function that a rule invokes by an alias, whose failures go to a queue."""
    return {
        "Failures": {"Type": "AWS::SQS::Queue"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {
                    "ZipFile": "def handler(event, context):\n"
                    "    raise ValueError(context.invoked_function_arn)\n"
                },
                "Handler": "index.handler",
                "Role": FUNCTION_ROLE,
                "Runtime": "python3.13",
                "ReservedConcurrentExecutions": 7,
            },
        },
        "Version": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Function"}},
        },
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                "Name": "live",
            },
        },
        "Asynchronously": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "DependsOn": "Alias",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Qualifier": "live",
                "MaximumRetryAttempts": 0,
                "DestinationConfig": {
                    "OnFailure": {"Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}
                },
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["test.functions"]},
                "Targets": [{"Id": "Function", "Arn": {"Ref": "Alias"}}],
            },
        },
    }


def test_what_a_rule_invokes_in_vain_goes_to_the_alias_s_destination(
    aws: LocalAws, stack: Stack
) -> None:
    stack.deploy(failing_function())
    event = {"Source": "test.functions", "DetailType": "x", "Detail": "{}"}
    aws.client("events").put_events(Entries=[event])
    sqs = aws.client("sqs")
    received = sqs.receive_message(QueueUrl=stack.id_of("Failures"), WaitTimeSeconds=20)
    (message,) = received["Messages"]
    record = json.loads(message["Body"])
    assert record["requestPayload"]["source"] == "test.functions"
    assert record["responsePayload"]["errorMessage"].endswith(":live")
    counted = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": stack.id_of("Function")}],
        StartTime=time.time() - 600,
        EndTime=time.time() + 600,
        Period=1200,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert sum(each["Sum"] for each in counted) == 1
    assert sum(each["SampleCount"] for each in counted) == 1


def test_reserved_concurrency_follows_the_template(aws: LocalAws, stack: Stack) -> None:
    resources = failing_function()
    stack.deploy(resources)
    name = stack.id_of("Function")
    concurrency = aws.client("lambda").get_function_concurrency
    assert concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 7
    del resources["Function"]["Properties"]["ReservedConcurrentExecutions"]
    stack.deploy(resources)
    assert "ReservedConcurrentExecutions" not in concurrency(FunctionName=name)


def scaled(resource: object, least: int = 1) -> dict[str, Any]:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "DependsOn": "Alias",
        "Properties": {
            "ServiceNamespace": "lambda",
            "ScalableDimension": "lambda:function:ProvisionedConcurrency",
            "ResourceId": resource,
            "MinCapacity": least,
            "MaxCapacity": 4,
        },
    }


@pytest.mark.parametrize(
    ("resource", "least", "said"),
    [
        pytest.param("function:nobody:live", 1, "is no alias of a function", id="nobody"),
        pytest.param(
            {"Fn::Join": [":", ["function", {"Ref": "Function"}, "live"]]},
            1,
            "No Provisioned Concurrency Config found",
            id="on-demand",
        ),
        pytest.param("function:nobody:live", 5, "less than minimum capacity", id="range"),
    ],
)
def test_only_what_is_provisioned_can_be_scaled(
    stack: Stack, resource: object, least: int, said: str
) -> None:
    with pytest.raises(AssertionError):
        stack.deploy({**failing_function(), "Target": scaled(resource, least)})
    assert said in stack.why()
