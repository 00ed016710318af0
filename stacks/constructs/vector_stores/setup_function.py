"""The function behind custom resources of vector stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.function_role import FunctionRole
from stacks.constructs.log_group import log_group
from stacks.constructs.python_function import RUNTIME_REASON
from stacks.function_bundling import handler_of

NAME = "vector_store"
# What CloudFormation asks of the function is answered within a Lambda invocation.
TIMEOUT_SECONDS = 900


class SetupFunction(Construct):
    """Runs while a stack is deployed, and at no other time.

    Only CloudFormation invokes it, and hears of every failure itself
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources-lambda.html),
    so it has no alias, no alarms, and no queue for failures.

    Attributes: `role`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        package: Bundle,
        permissions: Mapping[str, Sequence[iam.PolicyStatement]],
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = log_group(
            self,
            "Logs",
            retention_days=log_retention_days,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = FunctionRole(
            self,
            "Permissions",
            name=NAME,
            log_group=logs,
            failures=None,
            permissions=permissions,
        ).role
        self._function = lambda_.Function(
            self,
            "Function",
            description="Groundwork: custom resources of vector stores",
            architecture=lambda_.Architecture.ARM_64,
            runtime=lambda_.Runtime.PYTHON_3_13,
            code=lambda_.Code.from_asset(str(package.path), asset_hash=package.digest),
            handler=handler_of(NAME),
            memory_size=256,
            timeout=Duration.seconds(TIMEOUT_SECONDS),
            role=self.role.without_policy_updates(),
            log_group=logs,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
        )
        for rule in ("AwsSolutions::AwsSolutions-L1", "Serverless::Serverless-LambdaLatestVersion"):
            acknowledge(self._function, rule, reason=RUNTIME_REASON)
        acknowledge(
            self._function,
            "Serverless::Serverless-LambdaDLQ",
            reason="CloudFormation alone invokes this function, and hears of failures.",
        )

    def resource(
        self, scope: Construct, construct_id: str, *, kind: str, properties: Mapping[str, object]
    ) -> CustomResource:
        """A resource of the type `Custom::<kind>`. Its values reach the function as text."""
        return CustomResource(
            scope,
            construct_id,
            service_token=self._function.function_arn,
            resource_type=f"Custom::{kind}",
            properties={name: value for name, value in properties.items() if value is not None},
        )
