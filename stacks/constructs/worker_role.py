"""What an instance of the fleet may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Arn, ArnComponents, ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge_wildcard
from stacks.constructs.service_endpoints import (
    GROUP_ACTIONS,
    LOG_ACTIONS,
    QUEUE_ACTIONS,
    SESSION_ACTIONS,
    SESSION_CHANNEL_ACTIONS,
)


@dataclass(frozen=True, kw_only=True)
class WorkerRoleInputs:
    """Everything that the worker reaches."""

    queue: sqs.IQueue
    documents: s3.IBucket
    prepared_documents: s3.IBucket
    program: s3_assets.Asset
    log_group: logs.ILogGroup
    auto_scaling_group_name: str
    idempotency_table: dynamodb.ITable | None
    jobs_table: dynamodb.ITable
    keys: Sequence[kms.IKey]
    session_manager: bool


class WorkerRole(Construct):
    """One role, whose permissions are inline: an instance never boots before they are attached.

    Each statement names the actions that the worker, the CloudWatch agent or the SSM agent call,
    and the resources of this stage. SQS checks batch calls against the actions of the single ones
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html).
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: WorkerRoleInputs) -> None:
        super().__init__(scope, construct_id)
        self._inputs = inputs
        policies = {
            "messages": self._messages(),
            "documents": self._documents(),
            "program": self._program(),
            "logs": self._logs(),
            "instance": self._instance(),
            "progress": self._progress(),
        }
        if inputs.idempotency_table:
            policies["idempotency"] = self._idempotency(inputs.idempotency_table)
        if inputs.keys:
            policies["keys"] = self._keys(inputs.keys)
        if inputs.session_manager:
            policies["sessions"] = self._sessions()
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description="Workers of the fleet",
            inline_policies={
                name: iam.PolicyDocument(statements=statements)
                for name, statements in policies.items()
            },
        )
        self._acknowledge_wildcards()

    def _acknowledge_wildcards(self) -> None:
        stack = Stack.of(self)
        for bucket in (self._inputs.documents, self._inputs.prepared_documents):
            exported = Stack.of(bucket).export_value(bucket.bucket_arn)
            acknowledge_wildcard(
                self.role,
                f"{stack.resolve(exported)['Fn::ImportValue']}/*",
                reason="Which documents there will be is not known beforehand; the bucket is.",
            )
        acknowledge_wildcard(
            self.role,
            "arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:"
            f"autoScalingGroupName/{self._inputs.auto_scaling_group_name}",
            reason="The wildcard is the identifier that AWS gives the group at its creation.",
        )
        if self._inputs.session_manager:
            acknowledge_wildcard(
                self.role,
                "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*",
                reason="An instance registers itself; its identifier is not known beforehand.",
            )
            acknowledge_wildcard(
                self.role,
                "*",
                reason="The actions of Session Manager's message channel know no resources.",
            )

    def _messages(self) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=list(QUEUE_ACTIONS), resources=[self._inputs.queue.queue_arn]
            )
        ]

    def _documents(self) -> list[iam.PolicyStatement]:
        """Any key of both buckets: which documents there will be is not known beforehand.

        ListBucket makes S3 answer 404 instead of 403 for an object that does not exist, which is
        how the worker tells a missing document from missing permission
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
        """
        documents, prepared = self._inputs.documents, self._inputs.prepared_documents
        return [
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[documents.arn_for_objects("*")],
            ),
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[prepared.arn_for_objects("*")],
            ),
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[documents.bucket_arn, prepared.bucket_arn],
            ),
        ]

    def _program(self) -> list[iam.PolicyStatement]:
        program = self._inputs.program
        return [
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[program.bucket.arn_for_objects(program.s3_object_key)],
            )
        ]

    def _logs(self) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=list(LOG_ACTIONS), resources=[self._inputs.log_group.log_group_arn]
            )
        ]

    def _instance(self) -> list[iam.PolicyStatement]:
        """End the drain, ask for more time, report ill health: of this group alone.

        The wildcard stands for the identifier that AWS gives the group when it is created; the name
        behind it is unique in the account and Region.
        """
        group = Arn.format(
            ArnComponents(
                service="autoscaling",
                resource="autoScalingGroup",
                resource_name=f"*:autoScalingGroupName/{self._inputs.auto_scaling_group_name}",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            Stack.of(self),
        )
        return [iam.PolicyStatement(actions=list(GROUP_ACTIONS), resources=[group])]

    def _progress(self) -> list[iam.PolicyStatement]:
        """Write down which documents of a job are finished; read nothing of it."""
        return [
            iam.PolicyStatement(
                actions=["dynamodb:PutItem"], resources=[self._inputs.jobs_table.table_arn]
            )
        ]

    def _idempotency(self, table: dynamodb.ITable) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=[
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
                resources=[table.table_arn],
            )
        ]

    def _keys(self, keys: Sequence[kms.IKey]) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[key.key_arn for key in keys],
            )
        ]

    def _sessions(self) -> list[iam.PolicyStatement]:
        """The four calls of ssmmessages know no resources, hence `*`.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
        """
        stack = Stack.of(self)
        instances = Arn.format(
            ArnComponents(service="ec2", resource="instance", resource_name="*"), stack
        )
        return [
            iam.PolicyStatement(actions=list(SESSION_ACTIONS), resources=[instances]),
            iam.PolicyStatement(actions=list(SESSION_CHANNEL_ACTIONS), resources=["*"]),
        ]
