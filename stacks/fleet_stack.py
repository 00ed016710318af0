"""The worker fleet: queue, instances, scaling, alarms."""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.bundling import Bundle, archive
from stacks.constructs.alarm_topic import AlarmTopic
from stacks.constructs.backlog_scaling import BacklogScaling
from stacks.constructs.drained_queue import DrainedQueue
from stacks.constructs.fleet_alarms import FleetAlarms
from stacks.constructs.fleet_dashboard import FleetDashboard
from stacks.constructs.fleet_key import FleetKey
from stacks.constructs.fleet_metrics import FleetMetrics
from stacks.constructs.idempotency_table import IdempotencyTable
from stacks.constructs.idle_scaling import IdleScaling
from stacks.constructs.jobs_table import JobsTable
from stacks.constructs.log_group import log_group
from stacks.constructs.network import Network
from stacks.constructs.upload_messages import UploadMessages
from stacks.constructs.worker_fleet import HOOK_NAME, WorkerFleet, WorkerFleetInputs
from stacks.constructs.worker_launch_template import WorkerLaunchTemplate
from stacks.constructs.worker_role import WorkerRole, WorkerRoleInputs
from stacks.constructs.worker_user_data import worker_user_data
from stacks.cross_stack_references import hold_on_to_imports
from stacks.fleet import Fleet
from stacks.settings_fleet import FleetSettings

INCOMING_PREFIX = "incoming/"


class FleetStack(Stack):
    """Messages in, prepared documents out, by as many instances as the backlog needs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: FleetSettings,
        network: Network,
        documents: s3.Bucket,
        prepared_documents: s3.Bucket,
        program: Bundle,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, description="Groundwork: worker fleet", **kwargs)
        hold_on_to_imports(self)
        group_name = f"{construct_id}-Workers"

        # Keys, logs and the ledger
        use_key = settings.encryption == "customer_key"
        key = FleetKey(self, "Encryption", encrypts_logs=use_key).key
        chosen_key = key if use_key else None
        # Exported whether it is used elsewhere or not: an export that goes with a setting would
        # have to go before the stacks that import it are updated, which CloudFormation refuses.
        self.export_value(key.key_arn)
        logs = log_group(
            self,
            "WorkerLogs",
            retention_days=settings.log_retention_days,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=chosen_key,
        )
        ledger = (
            IdempotencyTable(self, "Idempotency", encryption_key=chosen_key).table
            if settings.idempotency_table
            else None
        )
        jobs_table = JobsTable(
            self,
            "Jobs",
            encryption_key=chosen_key,
            point_in_time_recovery=settings.job_recovery,
        ).table

        # Messages
        work = DrainedQueue(
            self,
            "Work",
            queue_name=f"{construct_id}-Work",
            visibility_timeout_seconds=settings.visibility_timeout_seconds,
            wait_time_seconds=settings.wait_time_seconds,
            retention_days=settings.retention_days,
            max_receive_count=settings.max_receive_count,
            encryption_key=chosen_key,
        )
        UploadMessages(
            self,
            "Uploads",
            bucket=documents,
            prefix=INCOMING_PREFIX,
            queue=work.queue,
            dead_letter_queue=work.dead_letter_queue,
        )

        # Instances
        asset = s3_assets.Asset(
            self, "Program", path=str(archive(program)), asset_hash=program.digest
        )
        role = WorkerRole(
            self,
            "Permissions",
            inputs=WorkerRoleInputs(
                queue=work.queue,
                documents=documents,
                prepared_documents=prepared_documents,
                program=asset,
                log_group=logs,
                auto_scaling_group_name=group_name,
                idempotency_table=ledger,
                jobs_table=jobs_table,
                keys=[
                    each
                    for each in (
                        chosen_key,
                        documents.encryption_key,
                    )
                    if each
                ],
                session_manager=settings.session_manager,
            ),
        ).role
        template = WorkerLaunchTemplate(
            self,
            "Worker",
            role=role,
            security_group=network.worker_security_group,
            user_data=worker_user_data(
                program=asset,
                environment={
                    "WORKER_QUEUE_URL": work.queue.queue_url,
                    "WORKER_JOB": settings.job,
                    "WORKER_PROCESSES_PER_VCPU": str(settings.processes_per_vcpu),
                    "WORKER_THREADS": str(settings.threads_per_process),
                    "WORKER_VISIBILITY_TIMEOUT_SECONDS": str(settings.visibility_timeout_seconds),
                    "WORKER_MAX_EXTENSION_SECONDS": str(settings.max_extension_seconds),
                    "WORKER_WAIT_TIME_SECONDS": str(settings.wait_time_seconds),
                    "WORKER_DRAIN_SECONDS": str(settings.drain_seconds),
                    "WORKER_BACKOFF_BASE_SECONDS": str(settings.backoff_base_seconds),
                    "WORKER_BACKOFF_CAP_SECONDS": str(settings.backoff_cap_seconds),
                    "WORKER_MAX_RECEIVE_COUNT": str(settings.max_receive_count),
                    "WORKER_METRICS_NAMESPACE": settings.metrics_namespace,
                    "WORKER_METRICS_INTERVAL_SECONDS": str(settings.metrics_interval_seconds),
                    "WORKER_LIFECYCLE_HOOK_NAME": HOOK_NAME,
                    "WORKER_AUTO_SCALING_GROUP_NAME": group_name,
                    "WORKER_HEALTH_TIMEOUT_SECONDS": str(settings.health_timeout_seconds),
                    "WORKER_IDEMPOTENCY_TABLE": ledger.table_name if ledger else "",
                    "WORKER_JOBS_TABLE": jobs_table.table_name,
                    "WORKER_DOCUMENTS_BUCKET": documents.bucket_name,
                    "WORKER_PREPARED_BUCKET": prepared_documents.bucket_name,
                    "WORKER_MAX_DOCUMENT_BYTES": str(settings.max_document_bytes),
                    "AWS_REGION": Aws.REGION,
                    "AWS_DEFAULT_REGION": Aws.REGION,
                },
                log_group_name=logs.log_group_name,
                stop_seconds=settings.stop_seconds,
            ),
            root_volume_gib=settings.root_volume_gib,
            detailed_monitoring=settings.detailed_monitoring,
        ).launch_template
        group = WorkerFleet(
            self,
            "Fleet",
            inputs=WorkerFleetInputs(
                vpc=network.vpc,
                subnets=network.worker_subnets,
                launch_template=template,
                auto_scaling_group_name=group_name,
                min_instances=settings.min_instances,
                max_instances=settings.max_instances,
                instance_types=settings.instance_types,
                on_demand_base=settings.on_demand_base,
                spot_percentage=settings.spot_percentage,
                warmup_seconds=settings.instance_warmup_seconds,
                hook_seconds=settings.hook_seconds,
                max_instance_lifetime_days=settings.max_instance_lifetime_days,
            ),
        ).group

        # Scaling and operation
        metrics = FleetMetrics(
            queue=work.queue,
            dead_letter_queue=work.dead_letter_queue,
            auto_scaling_group_name=group_name,
            namespace=settings.metrics_namespace,
        )
        BacklogScaling(
            self,
            "Scaling",
            group=group,
            queue=work.queue,
            metrics=metrics,
            target_backlog_per_instance=settings.target_backlog_per_instance,
            anticipated_seconds=settings.anticipated_seconds,
            max_instances=settings.max_instances,
            warmup_seconds=settings.instance_warmup_seconds,
        )
        IdleScaling(
            self,
            "Idle",
            group=group,
            metrics=metrics,
            idle_minutes=settings.idle_minutes,
        )
        topic = AlarmTopic(self, "AlarmTopic", email=settings.alarm_email, encryption_key=key).topic
        self.fleet = Fleet(
            queue=work.queue,
            jobs_table=jobs_table,
            encryption_key=chosen_key,
            alarm_topic=topic,
        )
        alarms = FleetAlarms(
            self,
            "Alarms",
            metrics=metrics,
            topic=topic,
            oldest_message_seconds=settings.oldest_message_alarm_seconds,
            no_worker_minutes=settings.no_worker_alarm_minutes,
        )
        dashboard = FleetDashboard(
            self,
            "Overview",
            dashboard_name=construct_id,
            metrics=metrics,
            alarms=[
                alarms.oldest_message,
                alarms.dead_letters,
                alarms.no_healthy_worker,
                alarms.drain_timed_out,
            ],
            target_backlog_per_instance=settings.target_backlog_per_instance,
            anticipated_seconds=settings.anticipated_seconds,
        ).dashboard

        CfnOutput(self, "QueueUrl", value=work.queue.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=work.dead_letter_queue.queue_url)
        CfnOutput(self, "AutoScalingGroupName", value=group.auto_scaling_group_name)
        CfnOutput(self, "LogGroupName", value=logs.log_group_name)
        CfnOutput(self, "AlarmTopicArn", value=topic.topic_arn)
        CfnOutput(self, "DashboardName", value=dashboard.dashboard_name)
