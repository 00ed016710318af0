"""What a function may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs import network_permissions
from stacks.constructs.acknowledged import acknowledge, acknowledge_wildcard


class FunctionRole(Construct):
    """A role per function, whose permissions are inline: the first invocation has them all.

    Instead of AWS's managed policy, which writes to every log group of the account, the function
    may write to its own. Tracing knows no resources
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        log_group: logs.ILogGroup,
        failures: sqs.IQueue | None,
        permissions: Mapping[str, Sequence[iam.PolicyStatement]],
        in_network: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        statements = {
            "logs": [
                iam.PolicyStatement(
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[log_group.log_group_arn],
                )
            ],
            "traces": [
                iam.PolicyStatement(
                    actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources=["*"]
                )
            ],
            **({"failures": [_may_send(failures)]} if failures else {}),
            **({"network": network_permissions.may_join_network(self)} if in_network else {}),
            **permissions,
        }
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Function {name}",
            inline_policies={
                policy: iam.PolicyDocument(statements=list(each))
                for policy, each in statements.items()
            },
        )
        reason = "The actions by which X-Ray takes traces know no resources." + (
            " Nor do those by which Lambda looks at the network." if in_network else ""
        )
        if in_network:
            network_permissions.accept(self.role)
        acknowledge_wildcard(self.role, "*", reason=reason)
        acknowledge(self.role, "Serverless::Serverless-LambdaStarPermissions", reason=reason)


def _may_send(queue: sqs.IQueue) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn])
