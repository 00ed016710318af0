"""Web ACLs in front of APIs, and their logs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.session import LocalAws
from tests.local.small_stack import Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def visible(name: str) -> dict[str, Any]:
    return {"CloudWatchMetricsEnabled": True, "MetricName": name, "SampledRequestsEnabled": True}


def test_a_web_acl_is_put_in_front_and_taken_away(aws: LocalAws, stack: Stack) -> None:
    acl = {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Scope": "REGIONAL",
            "DefaultAction": {"Allow": {}},
            "Rules": [],
            "VisibilityConfig": visible("Acl"),
        },
    }
    api = "arn:aws:appsync:eu-west-1:000000000000:apis/sample"
    association = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Properties": {"ResourceArn": api, "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]}},
    }
    client = aws.client("wafv2")
    stack.deploy({"Acl": acl, "Association": association})
    found = client.get_web_acl_for_resource(ResourceArn=api)["WebACL"]
    assert found["ARN"] == client.list_web_acls(Scope="REGIONAL")["WebACLs"][0]["ARN"]
    stack.deploy({"Acl": acl})
    with pytest.raises(ClientError, match="WAFNonexistentItem"):
        client.get_web_acl_for_resource(ResourceArn=api)


def test_the_log_of_a_web_acl_has_the_name_that_waf_wants(stack: Stack) -> None:
    logging = {
        "Type": "AWS::WAFv2::LoggingConfiguration",
        "Properties": {
            "ResourceArn": "arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/a/1",
            "LogDestinationConfigs": ["arn:aws:logs:eu-west-1:000000000000:log-group:requests"],
        },
    }
    with pytest.raises(AssertionError):
        stack.deploy({"Logging": logging})
    assert "must begin with aws-waf-logs-" in stack.why()
