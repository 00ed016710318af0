"""A Lambda function in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Annotations, Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.cold_start_rules import ColdStartRules
from stacks.constructs.failed_invocations import SHORTEST_EVENT_AGE_SECONDS, FailedInvocations
from stacks.constructs.function_alarms import FunctionAlarms
from stacks.constructs.function_role import FunctionRole
from stacks.constructs.keep_warm import KeepWarm
from stacks.constructs.log_group import log_group
from stacks.constructs.network_permissions import may_leave_network
from stacks.constructs.provisioned_concurrency import ProvisionedConcurrency
from stacks.function_bundling import handler_of
from stacks.settings_function import FunctionSettings

ALIAS = "live"
RUNTIME_REASON = (
    "Python 3.13 is supported until 2029 and starts faster than 3.14 with handlers of this size; "
    "docs/cold-starts.md has the figures."
)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where in a network a function is, for what it cannot reach from outside."""

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    security_group: ec2.ISecurityGroup


@dataclass(frozen=True, kw_only=True)
class PythonFunctionInputs:
    """What a function is made of. `permissions` maps a policy's name to its statements; `handler`
    is another one than the package's own; `settled` are digests of what the environment refers to
    and a change replaces.
    """

    name: str
    package: Bundle
    settings: FunctionSettings
    alarm_topic: sns.ITopic
    log_retention_days: int
    encryption_key: kms.IKey | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: Mapping[str, Sequence[iam.PolicyStatement]] = field(default_factory=dict)
    invoked_by_events: bool = False
    placement: Placement | None = None
    handler: str = ""
    settled: Sequence[str] = ()


class PythonFunction(Construct):
    """A function on Graviton, its published version behind the alias `live`, and one strategy
    against cold starts.

    - Everything that invokes the function takes `alias`: only versions can be provisioned or
      snapshotted, and a ping of another version warms copies that no request reaches.
    - Python 3.13 starts faster than 3.14 with handlers as small as ours (docs/cold-starts.md).
    - JSON logs in a group of its own that forgets; traces; a role of its own.
    - Where it is invoked asynchronously (`invoked_by_events`, or by the pings of keep_warm),
      failures end in a queue. Events are tried three times in six hours, Lambda's defaults; pings,
      which are worth nothing later, once.
    - A version that is no longer live is deleted: with SnapStart every version that is kept is paid
      for.

    Cost: invocations; provisioned copies by the second; the first ten alarms of an account are
    free, then 0.10 USD a month each.

    Attributes: `function`, `alias`, `failures` (a queue, or None).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, inputs: PythonFunctionInputs
    ) -> None:
        super().__init__(scope, construct_id)
        settings = inputs.settings
        self.failures = self._failures(inputs)
        self.function = self._function(inputs)
        provisioned = settings.cold_starts == "provisioned"
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name=ALIAS,
            version=self.function.current_version,
            provisioned_concurrent_executions=settings.provisioned_min if provisioned else None,
        )
        self.node.add_validation(ColdStartRules(self.function, self.alias))
        if self.failures:
            self._limit_asynchronous_invocations(
                self.failures, for_pings=not inputs.invoked_by_events
            )
        if provisioned:
            ProvisionedConcurrency(self, "Provisioned", alias=self.alias, settings=settings)
        if settings.cold_starts == "keep_warm":
            assert self.failures is not None
            KeepWarm(
                self,
                "KeepWarm",
                alias=self.alias,
                failures=self.failures,
                minutes=settings.warm_minutes,
                copies=settings.warm_copies,
                hold_ms=settings.warm_hold_ms,
            )
        FunctionAlarms(
            self,
            "Alarms",
            alias=self.alias,
            timeout_seconds=settings.timeout_seconds,
            provisioned=provisioned,
            failures=self.failures,
            topic=inputs.alarm_topic,
        )

    def _failures(self, inputs: PythonFunctionInputs) -> sqs.Queue | None:
        if inputs.invoked_by_events:
            kept = Duration.days(14)
        elif inputs.settings.cold_starts == "keep_warm":
            kept = Duration.hours(1)
        else:
            return None
        return FailedInvocations(self, "Failures", kept=kept).queue

    def _function(self, inputs: PythonFunctionInputs) -> lambda_.Function:
        settings = inputs.settings
        logs = log_group(
            self,
            "Logs",
            retention_days=inputs.log_retention_days,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=inputs.encryption_key,
        )
        role = FunctionRole(
            self,
            "Permissions",
            name=inputs.name,
            log_group=logs,
            failures=self.failures,
            permissions=inputs.permissions,
            in_network=inputs.placement is not None,
        ).role
        if inputs.placement:
            may_leave_network(self, role=role, security_group=inputs.placement.security_group)
        snapstart = settings.cold_starts == "snapstart"
        function = lambda_.Function(
            self,
            "Function",
            # The CDK publishes a version when the template of the function changes, and that of one
            # whose environment refers to a resource does not when the resource is replaced.
            description=" ".join([f"Groundwork: {inputs.name}", *inputs.settled]),
            architecture=lambda_.Architecture.ARM_64,
            runtime=lambda_.Runtime.PYTHON_3_13,
            code=lambda_.Code.from_asset(
                str(inputs.package.path), asset_hash=inputs.package.digest
            ),
            handler=inputs.handler or handler_of(inputs.name),
            memory_size=settings.memory_mb,
            timeout=Duration.seconds(settings.timeout_seconds),
            reserved_concurrent_executions=settings.reserved_concurrency or None,
            environment=dict(inputs.environment),
            # The L2 would attach what it needs as a policy of its own, after the role.
            role=role.without_policy_updates(),
            log_group=logs,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.INFO,
            tracing=lambda_.Tracing.ACTIVE,
            **_placed(inputs.placement),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snapstart else None,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.DESTROY),
        )
        for rule in ("AwsSolutions::AwsSolutions-L1", "Serverless::Serverless-LambdaLatestVersion"):
            acknowledge(function, rule, reason=RUNTIME_REASON)
        acknowledge(
            function,
            "Serverless::Serverless-LambdaDLQ",
            reason="The alias has a destination for failures, which the rule does not look at."
            if self.failures
            else "Nobody invokes this function asynchronously; its callers hear of failures.",
        )
        if snapstart:
            Annotations.of(function).acknowledge_warning(
                "@aws-cdk/aws-lambda:snapStartRequirePublish", "The alias points at a version."
            )
        return function

    def _limit_asynchronous_invocations(self, failures: sqs.Queue, *, for_pings: bool) -> None:
        lambda_.CfnEventInvokeConfig(
            self,
            "Asynchronously",
            function_name=self.function.function_name,
            qualifier=self.alias.alias_name,
            maximum_retry_attempts=0 if for_pings else 2,
            maximum_event_age_in_seconds=SHORTEST_EVENT_AGE_SECONDS if for_pings else 21_600,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(
                    destination=failures.queue_arn
                )
            ),
        ).node.add_dependency(self.alias)


def _placed(placement: Placement | None) -> dict[str, Any]:
    if placement is None:
        return {}
    return {
        "vpc": placement.vpc,
        "vpc_subnets": placement.subnets,
        "security_groups": [placement.security_group],
    }
