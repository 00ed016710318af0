"""What CloudFormation makes, changes and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.session import LocalAws
from tests.appsync.clients import Api

pytestmark = pytest.mark.xdist_group("appsync")
RUNTIME = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
ONE = """
export const request = () => ({ payload: '%s' });
export const response = (ctx) => ctx.result;
"""
PIPE = "export const request = () => null;\nexport const response = (ctx) => ctx.prev.result;"


def template(**changes: Any) -> dict[str, Any]:
    """A schema, a pipeline of one function whose code lies in S3, a unit resolver."""
    api = {"Fn::GetAtt": ["Api", "ApiId"]}
    resources: dict[str, Any] = {
        "Api": {"Type": "GraphQLApi", "Name": "small", "AuthenticationType": "API_KEY"},
        "Schema": {
            "Type": "GraphQLSchema",
            "ApiId": api,
            "Definition": "type Query { unit: String piped: String }",
        },
        "Key": {"Type": "ApiKey", "ApiId": api},
        "Source": {"Type": "DataSource", "ApiId": api, "Name": "none", "Kind": "NONE"},
        "Function": {
            "Type": "FunctionConfiguration",
            "ApiId": api,
            "Name": "step",
            "DataSourceName": {"Fn::GetAtt": ["Source", "Name"]},
            "Runtime": RUNTIME,
            "CodeS3Location": "s3://code/step.js",
        },
        "Unit": {
            "Type": "Resolver",
            "ApiId": api,
            "TypeName": "Query",
            "FieldName": "unit",
            "DataSourceName": {"Fn::GetAtt": ["Source", "Name"]},
            "Runtime": RUNTIME,
            "Code": ONE % "unit",
        },
        "Piped": {
            "Type": "Resolver",
            "ApiId": api,
            "TypeName": "Query",
            "FieldName": "piped",
            "Kind": "PIPELINE",
            "PipelineConfig": {"Functions": [{"Fn::GetAtt": ["Function", "FunctionId"]}]},
            "Runtime": RUNTIME,
            "Code": PIPE,
        },
    }
    for name, change in changes.items():
        resources[name] = {**resources[name], **change}
    return {
        "Resources": {
            name: {
                "Type": f"AWS::AppSync::{each.pop('Type')}",
                "Properties": _properties(each),
                **({"DependsOn": ["Schema"]} if name in ("Unit", "Piped") else {}),
            }
            for name, each in resources.items()
        },
        "Outputs": {
            "Url": {"Value": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}},
            "Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}},
            "Ref": {"Value": {"Ref": "Api"}},
            "Function": {"Value": {"Ref": "Function"}},
        },
    }


def _properties(each: dict[str, Any]) -> dict[str, Any]:
    if "Kind" in each and "FieldName" not in each:
        each["Type"] = each.pop("Kind")
    return {name: value for name, value in each.items() if value is not None}


class Stack:
    """One stack of this module."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self._cloudformation = aws.client("cloudformation")
        self.name = name

    def make(self, made: dict[str, Any]) -> None:
        self._cloudformation.create_stack(StackName=self.name, TemplateBody=json.dumps(made))
        self._wait("stack_create_complete")

    def change(self, made: dict[str, Any]) -> None:
        self._cloudformation.update_stack(StackName=self.name, TemplateBody=json.dumps(made))
        self._wait("stack_update_complete")

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name)
        self._wait("stack_delete_complete")

    def failure(self, made: dict[str, Any]) -> str:
        """Why the stack cannot be made."""
        self._cloudformation.create_stack(StackName=self.name, TemplateBody=json.dumps(made))
        with pytest.raises(Exception, match="StackCreateComplete"):
            self._wait("stack_create_complete")
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return " ".join(
            event.get("ResourceStatusReason", "")
            for event in events
            if event["ResourceStatus"] == "CREATE_FAILED"
        )

    @property
    def outputs(self) -> dict[str, str]:
        (stack,) = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    @property
    def api(self) -> Api:
        return Api(self.outputs["Url"], {"x-api-key": self.outputs["Key"]})

    def _wait(self, state: str) -> None:
        self._cloudformation.get_waiter(state).wait(
            StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )


@pytest.fixture(scope="module")
def bucket(aws: LocalAws) -> Any:
    """Code in S3, as CDK's assets are."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="code", Key="step.js", Body=(ONE % "piped").encode())
    s3.put_object(Bucket="code", Key="changed.js", Body=(ONE % "changed").encode())
    return s3


def test_a_stack_is_made_changed_and_deleted(aws: LocalAws, bucket: Any) -> None:
    stack = Stack(aws, "small")
    stack.make(template())
    assert stack.api.ask("{ unit piped }").data == {"unit": "unit", "piped": "piped"}
    outputs = stack.outputs
    assert outputs["Ref"].startswith("arn:aws:appsync:eu-west-1:000000000000:apis/")
    assert outputs["Function"].startswith(f"{outputs['Ref']}/functions/")

    appsync = aws.client("appsync")
    api_id = outputs["Ref"].rpartition("/")[2]
    assert appsync.get_graphql_api(apiId=api_id)["graphqlApi"]["uris"]["GRAPHQL"] == outputs["Url"]
    assert [each["name"] for each in appsync.list_functions(apiId=api_id)["functions"]] == ["step"]
    assert appsync.get_resolver(apiId=api_id, typeName="Query", fieldName="unit")["resolver"][
        "code"
    ]

    changed = template(
        Function={"CodeS3Location": "s3://code/changed.js"},
        Schema={"Definition": "type Query { unit: String piped: String more: Int }"},
        Unit={"Code": ONE % "other"},
    )
    stack.change(changed)
    assert stack.outputs == outputs
    assert stack.api.ask("{ unit piped more }").data == {
        "unit": "other",
        "piped": "changed",
        "more": None,
    }

    api = stack.api
    stack.delete()
    assert api.ask("{ unit }").status == 404
    assert api_id not in {each["apiId"] for each in appsync.list_graphql_apis()["graphqlApis"]}


def test_a_resolver_that_moves_leaves_its_old_field(aws: LocalAws, bucket: Any) -> None:
    stack = Stack(aws, "moving")
    stack.make(template())
    stack.change(
        template(
            Schema={"Definition": "type Query { unit: String piped: String moved: String }"},
            Unit={"FieldName": "moved"},
        )
    )
    assert stack.api.ask("{ unit moved }").data == {"unit": None, "moved": "unit"}
    stack.delete()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Schema": {"Definition": "type Query { a: Nope }"}}, "Unknown type 'Nope'"),
        (
            {"Unit": {"FieldName": "nope"}},
            "No field named nope found on type Query",
        ),
        ({"Unit": {"Code": "export const request = () => { while (1) { } };"}}, "'while' is not"),
        ({"Function": {"CodeS3Location": "s3://code/none.js"}}, "does not exist"),
        ({"Unit": {"DataSourceName": "nobody"}}, "No data source found named nobody"),
        ({"Unit": {"Code": None, "RequestMappingTemplate": "{}"}}, "mapping templates (VTL)"),
        (
            {
                "Source": {
                    "Kind": "AMAZON_DYNAMODB",
                    "DynamoDBConfig": {
                        "TableName": "t",
                        "AwsRegion": "eu-west-1",
                        "Versioned": True,
                    },
                }
            },
            "DeltaSyncConfig is required",
        ),
        ({"Unit": {"SyncConfig": {"ConflictHandler": "LUCK"}}}, "ConflictHandler LUCK must be one"),
    ],
)
def test_what_cannot_work_fails_to_deploy(
    aws: LocalAws, bucket: Any, changes: dict[str, Any], reason: str, new_id: Any
) -> None:
    stack = Stack(aws, f"bad-{new_id()}")
    assert reason in stack.failure(template(**changes))
