"""The fleet's KMS key."""

from __future__ import annotations

from aws_cdk import Arn, ArnComponents, ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class FleetKey(Construct):
    """One key per stage, rotated every year, deleted 30 days after its stack.

    The alarm topic always uses it. Queues, logs and the ledger use it when
    `fleet.encryption=customer_key`; CloudWatch Logs then needs a statement of its own
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
    """

    def __init__(self, scope: Construct, construct_id: str, *, encrypts_logs: bool) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Groundwork: worker fleet",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        if encrypts_logs:
            groups = Arn.format(
                ArnComponents(
                    service="logs",
                    resource="log-group",
                    resource_name="*",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                ),
                Stack.of(self),
            )
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="LogGroupsOfThisAccount",
                    principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
                    actions=[
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:Encrypt",
                        "kms:GenerateDataKey*",
                        "kms:ReEncrypt*",
                    ],
                    resources=["*"],
                    conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
                )
            )
