"""Where alarms go."""

from __future__ import annotations

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge


class AlarmTopic(Construct):
    """An encrypted topic that only this account's CloudWatch alarms publish to, over TLS.

    The key is the customer's, because CloudWatch cannot use the AWS managed key of SNS
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html).
    It costs 1 USD a month.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, email: str, encryption_key: kms.Key
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", master_key=encryption_key, enforce_ssl=True)
        alarms = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        only_ours = {
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnLike": {
                "aws:SourceArn": Stack.of(self).format_arn(service="cloudwatch", resource="alarm:*")
            },
        }
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[alarms],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=only_ours,
            )
        )
        encryption_key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[alarms],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        self.topic.apply_removal_policy(RemovalPolicy.DESTROY)
        if email:
            subscription = self.topic.add_subscription(subscriptions.EmailSubscription(email))
            acknowledge(
                subscription,
                "Serverless::Serverless-SNSRedrivePolicy",
                reason="SNS tries to deliver a mail for hours, and a mail about an alarm is of no "
                "use in a queue afterwards: the alarm's state and history stay in CloudWatch.",
            )
