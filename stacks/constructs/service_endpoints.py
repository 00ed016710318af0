"""VPC endpoints to the services that the fleet calls."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

ANYBODY_OF_THIS_ACCOUNT = {"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}}
# The buckets that serve dnf on Amazon Linux 2023, one per Region:
# https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html
PACKAGE_BUCKET = f"al2023-repos-{Aws.REGION}-de612dc2"

# What the worker, the CloudWatch agent and the SSM agent call, per endpoint.
QUEUE_ACTIONS = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
)
LOG_ACTIONS = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
GROUP_ACTIONS = (
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:RecordLifecycleActionHeartbeat",
    "autoscaling:SetInstanceHealth",
)
SESSION_ACTIONS = ("ssm:UpdateInstanceInformation",)
SESSION_CHANNEL_ACTIONS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


class ServiceEndpoints(Construct):
    """Gateway endpoints for S3 and DynamoDB; interface endpoints only where they are needed.

    A worker receives from SQS, logs to CloudWatch Logs (its metrics are log lines, so the metrics
    API is not needed) and reports to EC2 Auto Scaling: three endpoints. Session Manager adds two
    (https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html). STS is not
    among them: an instance profile's credentials come from the instance metadata service.

    Policies of the endpoints allow those calls to this account's principals alone, so credentials
    of another account cannot be used to carry data out
    (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.Vpc,
        subnets: ec2.SubnetSelection,
        clients: ec2.SecurityGroup,
        interface_zones: int,
        session_manager: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._vpc = vpc
        self._gateways(subnets)
        if not interface_zones:
            return
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Interface endpoints: HTTPS from the workers",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(clients, ec2.Port.tcp(443), "Workers of the fleet")
        zones = vpc.select_subnets(subnet_group_name=subnets.subnet_group_name)
        self._placement = ec2.SubnetSelection(subnets=zones.subnets[:interface_zones])
        self._group = group
        services = ec2.InterfaceVpcEndpointAwsService
        self._interface("Sqs", services.SQS, QUEUE_ACTIONS, [_own("sqs", "*")])
        self._interface(
            "Logs", services.CLOUDWATCH_LOGS, LOG_ACTIONS, [_own("logs", "log-group:*")]
        )
        self._interface(
            "AutoScaling",
            services.AUTOSCALING,
            GROUP_ACTIONS,
            [_own("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")],
        )
        if session_manager:
            self._interface("Ssm", services.SSM, SESSION_ACTIONS, [_own("ec2", "instance/*")])
            # The actions of ssmmessages know no resources:
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html
            self._interface("SsmMessages", services.SSM_MESSAGES, SESSION_CHANNEL_ACTIONS, ["*"])

    def _gateways(self, subnets: ec2.SubnetSelection) -> None:
        storage = self._vpc.add_gateway_endpoint(
            "S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[subnets]
        )
        storage.add_to_policy(
            iam.PolicyStatement(
                sid="BucketsOfThisAccount",
                principals=[iam.AnyPrincipal()],
                actions=["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"],
                resources=["*"],
                conditions={
                    "StringEquals": {
                        "aws:PrincipalAccount": Aws.ACCOUNT_ID,
                        "aws:ResourceAccount": Aws.ACCOUNT_ID,
                    }
                },
            )
        )
        storage.add_to_policy(
            iam.PolicyStatement(
                sid="PackagesOfAmazonLinux",
                principals=[iam.AnyPrincipal()],
                actions=["s3:GetObject"],
                resources=[f"arn:{Aws.PARTITION}:s3:::{PACKAGE_BUCKET}/*"],
            )
        )
        tables = self._vpc.add_gateway_endpoint(
            "DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB, subnets=[subnets]
        )
        tables.add_to_policy(
            iam.PolicyStatement(
                sid="TablesOfThisAccount",
                principals=[iam.AnyPrincipal()],
                actions=[
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
                resources=[_own("dynamodb", "table/*")],
                conditions=ANYBODY_OF_THIS_ACCOUNT,
            )
        )

    def _interface(
        self,
        construct_id: str,
        service: ec2.InterfaceVpcEndpointAwsService,
        actions: Sequence[str],
        resources: Sequence[str],
    ) -> None:
        endpoint = self._vpc.add_interface_endpoint(
            construct_id,
            service=service,
            subnets=self._placement,
            security_groups=[self._group],
            open=False,
            private_dns_enabled=True,
        )
        endpoint.add_to_policy(
            iam.PolicyStatement(
                sid="WorkersOfThisAccount",
                principals=[iam.AnyPrincipal()],
                actions=list(actions),
                resources=list(resources),
                conditions=ANYBODY_OF_THIS_ACCOUNT,
            )
        )


def _own(service: str, resource: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
