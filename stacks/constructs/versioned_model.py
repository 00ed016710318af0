"""A model's versioned data source, and the functions that work on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aws_cdk import Aws
from aws_cdk import aws_appsync as appsync
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.appsync_source import Model, function_code

RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
READ = ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan")
WRITE = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")


@dataclass(frozen=True, kw_only=True)
class ConflictStrategy:
    """What AppSync does with a change that was made to an older version of an item.

    AUTOMERGE keeps the server's scalars and joins lists, OPTIMISTIC_CONCURRENCY refuses and hands
    the client the newer item, LAMBDA asks `handler`
    (https://docs.aws.amazon.com/appsync/latest/devguide/conflict-detection-and-resolution.html).
    """

    kind: Literal["AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA"]
    handler: lambda_.IFunction | None = None


@dataclass(frozen=True, kw_only=True)
class VersionedModelInputs:
    """What a model is made of; `functions` are names of files in appsync_src/functions."""

    api_id: str
    schema: appsync.CfnGraphQLSchema
    model: Model
    functions: Sequence[str]
    table: dynamodb.Table
    delta_table: dynamodb.Table
    delta_minutes: int
    tombstone_minutes: int
    conflicts: ConflictStrategy


class VersionedModel(Construct):
    """Data source, its role, and a function per operation; `functions` maps names to identifiers.

    The L2 data source knows no versions, and its role does not reach the delta table, without which
    every mutation fails at run time. The role here is the whole of what AppSync may do: the
    model's table with its indexes, the delta table, and the conflict handler, which AppSync invokes
    by the data source's role as well.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, inputs: VersionedModelInputs
    ) -> None:
        super().__init__(scope, construct_id)
        self._inputs = inputs
        name = inputs.model.name
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("appsync.amazonaws.com"),
            description=f"Data source {name}",
            inline_policies={
                policy: iam.PolicyDocument(statements=statements)
                for policy, statements in self._policies().items()
            },
        )
        source = appsync.CfnDataSource(
            self,
            "Source",
            api_id=inputs.api_id,
            name=name,
            type="AMAZON_DYNAMODB",
            service_role_arn=role.role_arn,
            dynamo_db_config=appsync.CfnDataSource.DynamoDBConfigProperty(
                aws_region=Aws.REGION,
                table_name=inputs.table.table_name,
                versioned=True,
                delta_sync_config=appsync.CfnDataSource.DeltaSyncConfigProperty(
                    base_table_ttl=str(inputs.tombstone_minutes),
                    delta_sync_table_name=inputs.delta_table.table_name,
                    delta_sync_table_ttl=str(inputs.delta_minutes),
                ),
            ),
        )
        source_name = source.attr_name
        sync = self._sync_config()
        self.functions = {
            each: self._function(each, source_name, sync) for each in inputs.functions
        }

    def _function(
        self,
        operation: str,
        source_name: str,
        sync: appsync.CfnFunctionConfiguration.SyncConfigProperty,
    ) -> str:
        function = appsync.CfnFunctionConfiguration(
            self,
            operation.title().replace("_", ""),
            api_id=self._inputs.api_id,
            name=f"{self._inputs.model.name}_{operation}",
            data_source_name=source_name,
            runtime=RUNTIME,
            code=function_code(operation),
            sync_config=sync,
        )
        function.add_resource_dependency(self._inputs.schema)
        return function.attr_function_id

    def _sync_config(self) -> appsync.CfnFunctionConfiguration.SyncConfigProperty:
        handler = self._inputs.conflicts.handler
        return appsync.CfnFunctionConfiguration.SyncConfigProperty(
            conflict_detection="VERSION",
            conflict_handler=self._inputs.conflicts.kind,
            lambda_conflict_handler_config=(
                appsync.CfnFunctionConfiguration.LambdaConflictHandlerConfigProperty(
                    lambda_conflict_handler_arn=handler.function_arn
                )
                if handler
                else None
            ),
        )

    def _policies(self) -> dict[str, list[iam.PolicyStatement]]:
        inputs = self._inputs
        tables = [inputs.table.table_arn, inputs.delta_table.table_arn]
        policies = {
            "tables": [iam.PolicyStatement(actions=[*READ, *WRITE], resources=tables)],
        }
        if inputs.model.indexes:
            policies["indexes"] = [
                iam.PolicyStatement(
                    actions=["dynamodb:Query"],
                    resources=[
                        f"{inputs.table.table_arn}/index/{index.name}"
                        for index in inputs.model.indexes
                    ],
                )
            ]
        if inputs.conflicts.handler:
            policies["conflicts"] = [
                iam.PolicyStatement(
                    actions=["lambda:InvokeFunction"],
                    resources=[inputs.conflicts.handler.function_arn],
                )
            ]
        key = inputs.table.encryption_key
        if key:
            policies["key"] = [
                iam.PolicyStatement(
                    actions=[
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:Encrypt",
                        "kms:GenerateDataKey",
                        "kms:ReEncryptFrom",
                        "kms:ReEncryptTo",
                    ],
                    resources=[key.key_arn],
                )
            ]
        return policies
