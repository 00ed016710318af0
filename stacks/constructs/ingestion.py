"""Keeps the knowledge base up to date with its bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.ingestion_alarms import IngestionAlarms
from stacks.constructs.ingestion_queue import IngestionQueue
from stacks.constructs.kept_queue import kept_queue
from stacks.constructs.knowledge_table import KnowledgeTable
from stacks.constructs.python_function import PythonFunction, PythonFunctionInputs
from stacks.settings_ingestion import IngestionSettings

INGESTION = "ingestion"
# With some 2 KB a message, well below the 6 MB of an invocation.
BATCH_SIZE = 1_000
# The least that an event source mapping takes; one would do.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
COPIES = 2


@dataclass(frozen=True, kw_only=True)
class IngestionInputs:
    """Settings, the function's package, and what it keeps together. `store_permissions` are what
    starting a job needs because of the vector store, `settled` is a digest of what a change of
    replaces the knowledge base or the data source.
    """

    settings: IngestionSettings
    package: Bundle
    knowledge_base_id: str
    knowledge_base_arn: str
    data_source_id: str
    bucket: s3.IBucket
    prefix: str
    log_retention_days: int
    alarm_topic: sns.ITopic
    store_permissions: Mapping[str, Sequence[iam.PolicyStatement]] = field(default_factory=dict)
    settled: str = ""


class Ingestion(Construct):
    """Changed documents -> queue -> function -> ingestion job; what fails is told and kept.

    A job compares the whole bucket with the index, and a data source has one job at a time
    (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_StartIngestionJob.html), so
    events are not a list of work but a mark that there is some. The function is asked about up to
    1,000 of them at once, keeps one that stands for the rest, and lets it wait in the queue until a
    job that began later is complete (lambda_src/ingestion/__init__.py).

    Failed documents are messages in a queue of their own, and one mail's worth for each job on a
    topic, to which nobody is subscribed at first. The topic is encrypted with AWS's own key, which
    a role of this account may use.

    Attributes: `table`, `queue`, `topic`, `failed_documents`, `function`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: IngestionInputs) -> None:
        super().__init__(scope, construct_id)
        settings = inputs.settings
        self.table: dynamodb.ITable = KnowledgeTable(self, "Progress").table
        self.topic = sns.Topic(
            self,
            "Topic",
            enforce_ssl=True,
            master_key=kms.Alias.from_alias_name(self, "TopicKey", "alias/aws/sns"),
        )
        self.topic.apply_removal_policy(RemovalPolicy.DESTROY)
        self.failed_documents = kept_queue(self, "FailedDocuments")
        waiting = IngestionQueue(
            self,
            "Events",
            bucket=inputs.bucket,
            prefix=inputs.prefix,
            visibility_seconds=settings.visibility_seconds,
        )
        self.queue = waiting.queue
        self.function = PythonFunction(
            self,
            "Function",
            inputs=PythonFunctionInputs(
                name=INGESTION,
                package=inputs.package,
                settings=settings,
                alarm_topic=inputs.alarm_topic,
                log_retention_days=inputs.log_retention_days,
                environment={
                    "KNOWLEDGE_BASE_ID": inputs.knowledge_base_id,
                    "DATA_SOURCE_ID": inputs.data_source_id,
                    "KNOWLEDGE_TABLE": self.table.table_name,
                    "TOPIC_ARN": self.topic.topic_arn,
                    "FAILED_DOCUMENTS_QUEUE_URL": self.failed_documents.queue_url,
                },
                permissions={
                    **self._permissions(inputs.knowledge_base_arn),
                    **inputs.store_permissions,
                },
                settled=[inputs.settled],
            ),
        )
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=self.queue.queue_arn,
            function_name=self.function.alias.function_arn,
            batch_size=BATCH_SIZE,
            maximum_batching_window_in_seconds=settings.gather_seconds,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
                maximum_concurrency=COPIES
            ),
        )
        acknowledge(
            mapping,
            "Serverless::Serverless-LambdaEventSourceMappingDestination",
            reason="Streams have such destinations. What this function does not take stays in the "
            "queue for 14 days, and its age is an alarm.",
        )
        IngestionAlarms(
            self,
            "Alarms",
            function_name=self.function.function.function_name,
            queue=self.queue,
            undelivered=waiting.undelivered,
            failed_documents=self.failed_documents,
            backlog_hours=settings.backlog_alarm_hours,
            topic=inputs.alarm_topic,
        )

    def _permissions(self, knowledge_base_arn: str) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """Jobs of one knowledge base; the queues, the table and the topic made here."""
        return {
            "jobs": [
                iam.PolicyStatement(
                    actions=[
                        "bedrock:GetIngestionJob",
                        "bedrock:ListIngestionJobs",
                        "bedrock:ListKnowledgeBaseDocuments",
                        "bedrock:StartIngestionJob",
                    ],
                    resources=[knowledge_base_arn],
                )
            ],
            "events": [
                iam.PolicyStatement(
                    actions=[
                        "sqs:ChangeMessageVisibility",
                        "sqs:DeleteMessage",
                        "sqs:GetQueueAttributes",
                        "sqs:GetQueueUrl",
                        "sqs:ReceiveMessage",
                    ],
                    resources=[self.queue.queue_arn],
                )
            ],
            "progress": [
                iam.PolicyStatement(
                    actions=["dynamodb:GetItem", "dynamodb:UpdateItem"],
                    resources=[self.table.table_arn],
                )
            ],
            "reports": [
                iam.PolicyStatement(
                    actions=["sqs:SendMessage"], resources=[self.failed_documents.queue_arn]
                ),
                iam.PolicyStatement(actions=["sns:Publish"], resources=[self.topic.topic_arn]),
            ],
        }
