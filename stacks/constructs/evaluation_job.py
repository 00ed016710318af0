"""An evaluation of the knowledge base by Bedrock, on a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge, acknowledge_wildcard
from stacks.constructs.kept_queue import kept_queue
from stacks.constructs.model_access import STREAMED, WHOLE, may_ask
from stacks.constructs.model_arns import asked_model_arn, foundation_model_arn
from stacks.constructs.private_bucket import forget_old_versions, private_bucket
from stacks.constructs.service_alarm import ServiceAlarm, of_queue
from stacks.knowledge import Knowledge
from stacks.settings_assistant import AssistantSettings

# https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-eval-llm-results.html
METRICS = (
    "Builtin.Correctness",
    "Builtin.Completeness",
    "Builtin.Faithfulness",
    "Builtin.Helpfulness",
    "Builtin.CitationPrecision",
    "Builtin.CitationCoverage",
)
RESULTS = "results/"
BEDROCK = "bedrock.amazonaws.com"
KEPT_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class EvaluationJobInputs:
    """Settings, what is evaluated, and where alarms go."""

    settings: AssistantSettings
    knowledge: Knowledge
    chunks: int
    alarm_topic: sns.ITopic
    retain_data: bool


class EvaluationJob(Construct):
    """EventBridge Scheduler calls CreateEvaluationJob itself; no function is in between.

    There is no such resource in CloudFormation, and a job runs once. A universal target takes every
    action that does not read (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html),
    with members in upper camel case; the execution's id makes the job's name unique.

    What is evaluated is the knowledge base with the model, by RetrieveAndGenerate: not the function
    with its prompts and citations, which `python -m evaluation` measures. Questions are put into
    the bucket by hand, before the first run, which fails without them
    (`python -m evaluation.bedrock_questions` writes them in Bedrock's format). An evaluation that
    was started and fails tells nobody: EventBridge hears nothing of evaluation jobs
    (https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-bedrock.html).

    Two roles: the schedule's may start the job and pass the other one to Bedrock, the job's may
    read questions, ask knowledge base and models, and write results. What each needs is what
    Bedrock's pages list, as far as it is about models that a setting can name; no account has shown
    yet that it is enough, or which of it is used.

    Attributes: `bucket`, `questions_uri`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: EvaluationJobInputs) -> None:
        super().__init__(scope, construct_id)
        self._inputs = inputs
        self.bucket = self._bucket()
        self.questions_uri = self.bucket.s3_url_for_object(inputs.settings.evaluation_questions)
        job = self._job_role()
        lost = kept_queue(self, "Lost")
        role = self._schedule_role(job, queue_arn=lost.queue_arn)
        stack = Stack.of(self)
        scheduler.CfnSchedule(
            self,
            "Schedule",
            description="Evaluation of the knowledge base",
            schedule_expression=inputs.settings.evaluation_schedule,
            flexible_time_window={"mode": "FLEXIBLE", "maximumWindowInMinutes": 15},
            target=scheduler.CfnSchedule.TargetProperty(
                arn=f"arn:{Aws.PARTITION}:scheduler:::aws-sdk:bedrock:createEvaluationJob",
                role_arn=role.role_arn,
                input=stack.to_json_string(self._request(job.role_arn)),
                dead_letter_config={"arn": lost.queue_arn},
                retry_policy={"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 3600},
            ),
        )
        ServiceAlarm(
            self,
            "NotStarted",
            of_queue(lost),
            topic_arn=inputs.alarm_topic.topic_arn,
            threshold=0,
            description="A scheduled evaluation could not be started.",
        )

    def _request(self, role_arn: str) -> dict[str, Any]:
        """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateEvaluationJob.html"""
        settings, knowledge = self._inputs.settings, self._inputs.knowledge
        return {
            "JobName": "groundwork-<aws.scheduler.execution-id>",
            "ApplicationType": "RagEvaluation",
            "RoleArn": role_arn,
            "EvaluationConfig": {
                "Automated": {
                    "DatasetMetricConfigs": [
                        {
                            "TaskType": "QuestionAndAnswer",
                            "Dataset": {
                                "Name": "questions",
                                "DatasetLocation": {"S3Uri": self.questions_uri},
                            },
                            "MetricNames": list(METRICS),
                        }
                    ],
                    "EvaluatorModelConfig": {
                        "BedrockEvaluatorModels": [
                            {"ModelIdentifier": self._asked(settings.evaluation_judge)}
                        ]
                    },
                }
            },
            "InferenceConfig": {
                "RagConfigs": [
                    {
                        "KnowledgeBaseConfig": {
                            "RetrieveAndGenerateConfig": {
                                "Type": "KNOWLEDGE_BASE",
                                "KnowledgeBaseConfiguration": {
                                    "KnowledgeBaseId": knowledge.knowledge_base_id,
                                    "ModelArn": self._asked(settings.model),
                                    "RetrievalConfiguration": {
                                        "VectorSearchConfiguration": {
                                            "NumberOfResults": self._inputs.chunks
                                        }
                                    },
                                },
                            }
                        }
                    }
                ]
            },
            "OutputDataConfig": {"S3Uri": self.bucket.s3_url_for_object(RESULTS)},
        }

    def _asked(self, model: str) -> str:
        """ARN of a model, or of its profile where the function asks through one."""
        return asked_model_arn(self, model, profile=self._inputs.settings.inference_profile)

    def _bucket(self) -> s3.Bucket:
        bucket = private_bucket(
            self,
            "Bucket",
            removal_policy=(
                RemovalPolicy.RETAIN if self._inputs.retain_data else RemovalPolicy.DESTROY
            ),
            lifecycle_rules=[
                s3.LifecycleRule(id="results", prefix=RESULTS, expiration=Duration.days(KEPT_DAYS)),
                forget_old_versions(days=30),
            ],
        )
        acknowledge(
            bucket,
            "AwsSolutions::AwsSolutions-S1",
            reason="Questions of a test and their scores: who read them is of no interest.",
        )
        return bucket

    def _job_role(self) -> iam.Role:
        """https://docs.aws.amazon.com/bedrock/latest/userguide/rag-eval-service-roles.html"""
        settings, knowledge = self._inputs.settings, self._inputs.knowledge
        bucket = self.bucket
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        ours = {"StringEquals": {"aws:ResourceAccount": Aws.ACCOUNT_ID}}
        role = self._role(
            "JobRole",
            service="bedrock",
            source=self._arn("bedrock", "evaluation-job/*"),
            policies={
                "models": [
                    statement
                    for model in self._models()
                    for statement in may_ask(
                        self,
                        model=model,
                        profile=settings.inference_profile,
                        actions=(WHOLE, STREAMED),
                    )
                ],
                "batches": self._may_ask_in_batches(),
                "knowledge": [
                    iam.PolicyStatement(
                        actions=["bedrock:Retrieve"], resources=[knowledge.knowledge_base_arn]
                    ),
                    iam.PolicyStatement(actions=["bedrock:RetrieveAndGenerate"], resources=["*"]),
                ],
                "files": [
                    iam.PolicyStatement(
                        actions=[
                            "s3:GetBucketLocation",
                            "s3:ListBucket",
                            "s3:ListBucketMultipartUploads",
                        ],
                        resources=[bucket.bucket_arn],
                        conditions=ours,
                    ),
                    iam.PolicyStatement(
                        actions=["s3:GetObject"],
                        resources=[bucket.arn_for_objects("*")],
                        conditions=ours,
                    ),
                    iam.PolicyStatement(
                        actions=["s3:AbortMultipartUpload", "s3:PutObject"],
                        resources=[bucket.arn_for_objects(f"{RESULTS}*")],
                        conditions=ours,
                    ),
                ],
            },
        )
        acknowledge_wildcard(
            role,
            "*",
            reason="RetrieveAndGenerate knows no resources, so IAM takes nothing but a star.",
        )
        acknowledge_wildcard(
            role,
            "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:model-invocation-job/*",
            reason="Bedrock starts these jobs, with ids that are not known before.",
        )
        name = Stack.of(self).get_logical_id(resource)
        for keys in ("*", f"{RESULTS}*"):
            acknowledge_wildcard(
                role,
                f"<{name}.Arn>/{keys}",
                reason="Questions and results are objects of this bucket, which has nothing else.",
            )
        return role

    def _may_ask_in_batches(self) -> list[iam.PolicyStatement]:
        """Batches of requests, which Bedrock starts and stops with this role.

        Every model that knowledge bases can be asked with is behind an inference profile.
        """
        profiles = [self._asked(each) for each in self._models()]
        batches = self._arn("bedrock", "model-invocation-job/*")
        allow = iam.PolicyStatement
        return [
            allow(actions=["bedrock:GetInferenceProfile"], resources=profiles),
            allow(
                actions=["bedrock:CreateModelInvocationJob"],
                resources=[*self._foundation_models(), *profiles, batches],
            ),
            allow(actions=["bedrock:StopModelInvocationJob"], resources=[batches]),
        ]

    def _schedule_role(self, job: iam.Role, *, queue_arn: str) -> iam.Role:
        """https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-type-automatic.html

        Which of a profile and its model the request is checked against, that page does not say.
        """
        return self._role(
            "ScheduleRole",
            service="scheduler",
            source=self._arn("scheduler", "schedule-group/default"),
            policies={
                "evaluation": [
                    iam.PolicyStatement(
                        actions=["bedrock:CreateEvaluationJob"],
                        resources=[
                            *self._foundation_models(),
                            *(self._asked(each) for each in self._models()),
                        ],
                    ),
                    iam.PolicyStatement(
                        actions=["iam:PassRole"],
                        resources=[job.role_arn],
                        conditions={
                            "StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}
                        },
                    ),
                ],
                "lost": [iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue_arn])],
            },
        )

    def _role(
        self,
        construct_id: str,
        *,
        service: str,
        source: str,
        policies: dict[str, Sequence[iam.PolicyStatement]],
    ) -> iam.Role:
        return iam.Role(
            self,
            construct_id,
            description="Evaluation of the knowledge base",
            assumed_by=iam.ServicePrincipal(
                f"{service}.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": source},
                },
            ),
            inline_policies={
                name: iam.PolicyDocument(statements=list(each)) for name, each in policies.items()
            },
        )

    def _models(self) -> list[str]:
        return sorted({self._inputs.settings.model, self._inputs.settings.evaluation_judge})

    def _foundation_models(self) -> list[str]:
        return [foundation_model_arn(self, each) for each in self._models()]

    def _arn(self, service: str, resource: str) -> str:
        return Stack.of(self).format_arn(service=service, resource=resource)
