"""A small API of our own: a model and a versioned table per conflict strategy, one delta table.

What runs in it is in notes_code.py.
"""

from __future__ import annotations

import json
from typing import Any

from tests.appsync.notes_code import (
    AUTHORIZER,
    CONFLICT_HANDLER,
    CREATE,
    DELETE,
    GET,
    ON_CREATE,
    ON_UPDATE,
    PIPELINE,
    SIMPLE,
    STEP,
    SYNC,
    UPDATE,
)

MODELS = {"Merged": "AUTOMERGE", "Strict": "OPTIMISTIC_CONCURRENCY", "Asked": "LAMBDA"}
DELTA_MINUTES = 30
BASE_MINUTES = 43200

TYPES = """
type {model} @aws_api_key @aws_cognito_user_pools @aws_iam {{
  id: ID!
  name: String
  jersey: Int
  interests: [String]
  points: [Int]
  stats: AWSJSON
  owner: String
  secret: String @aws_cognito_user_pools(cognito_groups: ["Managers"])
  at: AWSDateTime
  _version: Int!
  _deleted: Boolean
  _lastChangedAt: AWSTimestamp!
}}
type {model}Page @aws_api_key @aws_cognito_user_pools @aws_iam {{
  items: [{model}]!
  nextToken: String
  startedAt: AWSTimestamp
  scannedCount: Int
}}
input {model}Input {{
  id: ID!
  name: String
  jersey: Int
  interests: [String]
  points: [Int]
  stats: AWSJSON
  owner: String
  at: AWSDateTime
  _version: Int
}}
"""
QUERIES = """
  get{model}(id: ID!): {model} @aws_api_key @aws_cognito_user_pools @aws_iam
  sync{model}s(limit: Int, nextToken: String, lastSync: AWSTimestamp, minimum: Int): {model}Page
    @aws_api_key @aws_cognito_user_pools @aws_iam
"""
MUTATIONS = """
  create{model}(input: {model}Input!): {model} @aws_api_key @aws_cognito_user_pools @aws_iam
  update{model}(input: {model}Input!): {model} @aws_api_key @aws_cognito_user_pools @aws_iam
  delete{model}(id: ID!, _version: Int): {model} @aws_api_key @aws_cognito_user_pools @aws_iam
"""
SUBSCRIPTIONS = """
  onCreate{model}(owner: String): {model}
    @aws_subscribe(mutations: ["create{model}"]) @aws_api_key @aws_cognito_user_pools
  onUpdate{model}(minimum: Int): {model}
    @aws_subscribe(mutations: ["update{model}"]) @aws_api_key @aws_cognito_user_pools
"""


def schema() -> str:
    """The SDL."""

    def each(text: str) -> str:
        return "".join(text.format(model=model) for model in MODELS)

    return f"""
{each(TYPES)}
type Query {{
  {each(QUERIES)}
  echo(what: String!): String
  who: AWSJSON @aws_api_key @aws_cognito_user_pools @aws_iam @aws_lambda
  piped(start: Int!): [String]
  fails(how: String!): Merged
  keyOnly: String
}}
type Mutation {{
  {each(MUTATIONS)}
  close(owner: String): String
}}
type Subscription {{ {each(SUBSCRIPTIONS)} }}
"""


def template(pool: str) -> dict[str, Any]:
    """The CloudFormation template; `pool` is the id of a user pool."""
    resources: dict[str, Any] = {
        "Api": _resource(
            "GraphQLApi",
            Name="notes",
            AuthenticationType="API_KEY",
            AdditionalAuthenticationProviders=[
                {
                    "AuthenticationType": "AMAZON_COGNITO_USER_POOLS",
                    "UserPoolConfig": {"UserPoolId": pool, "AwsRegion": {"Ref": "AWS::Region"}},
                },
                {"AuthenticationType": "AWS_IAM"},
                {
                    "AuthenticationType": "AWS_LAMBDA",
                    "LambdaAuthorizerConfig": {
                        "AuthorizerUri": {"Fn::GetAtt": ["Authorizer", "Arn"]}
                    },
                },
            ],
        ),
        "Schema": _of_api("GraphQLSchema", Definition=schema()),
        "Key": _of_api("ApiKey", Description="tests"),
        "Delta": _table("ds_pk", "ds_sk"),
        "None": _of_api("DataSource", Name="none", Type="NONE"),
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
        "Handler": _function(CONFLICT_HANDLER),
        "Authorizer": _function(AUTHORIZER),
    }
    for model, strategy in MODELS.items():
        resources |= _model(model, strategy)
    for name, code in SIMPLE.items():
        resources[name.replace(".", "")] = _resolver(name, code, source="None")
    resources |= _pipeline()
    return {
        "Resources": resources,
        "Outputs": {
            "Url": {"Value": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}},
            "Realtime": {"Value": {"Fn::GetAtt": ["Api", "RealtimeUrl"]}},
            "Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}},
            "Api": {"Value": {"Fn::GetAtt": ["Api", "ApiId"]}},
            "Delta": {"Value": {"Ref": "Delta"}},
            **{f"{model}Table": {"Value": {"Ref": f"{model}Table"}} for model in MODELS},
        },
    }


def _model(model: str, strategy: str) -> dict[str, Any]:
    sync: dict[str, Any] = {"ConflictDetection": "VERSION", "ConflictHandler": strategy}
    if strategy == "LAMBDA":
        sync["LambdaConflictHandlerConfig"] = {
            "LambdaConflictHandlerArn": {"Fn::GetAtt": ["Handler", "Arn"]}
        }
    source = f"{model}Source"
    resolvers = {
        f"Query.get{model}": GET,
        f"Query.sync{model}s": SYNC,
        f"Mutation.create{model}": CREATE,
        f"Mutation.update{model}": UPDATE,
        f"Mutation.delete{model}": DELETE,
    }
    return {
        f"{model}Table": _table("id"),
        source: _of_api(
            "DataSource",
            Name=model,
            Type="AMAZON_DYNAMODB",
            ServiceRoleArn={"Fn::GetAtt": ["Role", "Arn"]},
            DynamoDBConfig={
                "TableName": {"Ref": f"{model}Table"},
                "AwsRegion": {"Ref": "AWS::Region"},
                "Versioned": True,
                "DeltaSyncConfig": {
                    "BaseTableTTL": str(BASE_MINUTES),
                    "DeltaSyncTableName": {"Ref": "Delta"},
                    "DeltaSyncTableTTL": str(DELTA_MINUTES),
                },
            },
        ),
        **{
            name.replace(".", ""): _resolver(name, code, source=source, SyncConfig=sync)
            for name, code in resolvers.items()
        },
        **{
            f"Subscriptionon{verb}{model}": _resolver(
                f"Subscription.on{verb}{model}", code, source="None"
            )
            for verb, code in (("Create", ON_CREATE), ("Update", ON_UPDATE))
        },
    }


def _pipeline() -> dict[str, Any]:
    steps = {
        f"Step{name}": _of_api(
            "FunctionConfiguration",
            Name=f"step{name}",
            DataSourceName={"Fn::GetAtt": ["None", "Name"]},
            Runtime=RUNTIME,
            Code=STEP % {"name": name},
        )
        for name in ("One", "Two")
    }
    resolver = _of_api(
        "Resolver",
        TypeName="Query",
        FieldName="piped",
        Kind="PIPELINE",
        Runtime=RUNTIME,
        Code=PIPELINE,
        PipelineConfig={"Functions": [{"Fn::GetAtt": [step, "FunctionId"]} for step in steps]},
    )
    return {**steps, "Piped": {**resolver, "DependsOn": ["Schema"]}}


RUNTIME = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::AppSync::{kind}", "Properties": properties}


def _of_api(kind: str, **properties: Any) -> dict[str, Any]:
    return _resource(kind, ApiId={"Fn::GetAtt": ["Api", "ApiId"]}, **properties)


def _resolver(name: str, code: str, *, source: str, **more: Any) -> dict[str, Any]:
    type_name, field = name.split(".")
    made = _of_api(
        "Resolver",
        TypeName=type_name,
        FieldName=field,
        DataSourceName={"Fn::GetAtt": [source, "Name"]},
        Runtime=RUNTIME,
        Code=code,
        **more,
    )
    return {**made, "DependsOn": ["Schema"]}


def _table(partition: str, sort: str | None = None) -> dict[str, Any]:
    names = [partition, *([sort] if sort else [])]
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in names
            ],
            "KeySchema": [
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
            ],
            "TimeToLiveSpecification": {"AttributeName": "_ttl", "Enabled": True},
        },
    }


def _function(code: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": code},
        },
    }


def as_text(pool: str) -> str:
    """For CreateStack."""
    return json.dumps(template(pool))
