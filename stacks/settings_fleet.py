"""Settings of the fleet stack."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.settings_model import Capability, LogRetentionDays, unit

# What a visibility timeout may reach in total, counted from the receive: 12 hours.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
LONGEST_LEASE_SECONDS = 43_200
# From the end of a drain to systemd's SIGKILL, and from there to the end of the lifecycle hook.
STOP_MARGIN_SECONDS = 15
HOOK_MARGIN_SECONDS = 60
# vCPUs per instance size, the same in all Graviton families that we accept.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/co.html
VCPUS_BY_SIZE = {
    "medium": 1,
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
}
GRAVITON_TYPE = re.compile(r"([cmr])[6-9]g[a-z]*\.([a-z0-9]+)")


class FleetSettings(Capability):
    """The queue, the Auto Scaling group that drains it, its worker program and its alarms."""

    # --- size -------------------------------------------------------------------------------
    min_instances: Annotated[
        int,
        Field(
            default=0,
            ge=0,
            le=5000,
            description="Smallest size of the group. 0 costs nothing while the queue is empty; the "
            "first messages then wait for an instance to boot, and for up to 15 minutes more for "
            "the metrics of a queue that nobody touched for six hours.",
            json_schema_extra=unit("instances"),
        ),
    ]
    max_instances: Annotated[
        int,
        Field(
            default=4,
            ge=1,
            le=5000,
            description="Largest size of the group: the ceiling of the bill.",
            json_schema_extra=unit("instances"),
        ),
    ]
    instance_types: Annotated[
        tuple[str, ...],
        Field(
            default=("c7g.medium", "c6g.medium", "m7g.medium", "m6g.medium"),
            min_length=1,
            max_length=40,
            description="Graviton types of one size. Several families give spot more pools to "
            "choose from; one size keeps the backlog per instance comparable.",
            json_schema_extra=unit("EC2 instance types"),
        ),
    ]
    on_demand_base: Annotated[
        int,
        Field(
            default=0,
            ge=0,
            le=5000,
            description="Instances that are on-demand before spot is considered.",
            json_schema_extra=unit("instances"),
        ),
    ]
    spot_percentage: Annotated[
        int,
        Field(
            default=100,
            ge=0,
            le=100,
            description="Share of spot among the instances above the on-demand base.",
            json_schema_extra=unit("percent"),
        ),
    ]
    root_volume_gib: Annotated[
        int,
        Field(
            default=8,
            ge=8,
            le=1024,
            description="Size of the encrypted gp3 root volume.",
            json_schema_extra=unit("GiB"),
        ),
    ]
    max_instance_lifetime_days: Annotated[
        int,
        Field(
            default=30,
            ge=1,
            le=365,
            description="Instances older than this are drained and replaced, so that none outlives "
            "the security updates of its image by more.",
            json_schema_extra=unit("days"),
        ),
    ]
    instance_warmup_seconds: Annotated[
        int,
        Field(
            default=120,
            ge=0,
            le=3600,
            description="From InService to the first finished message. New instances do not count "
            "in scaling decisions until then.",
            json_schema_extra=unit("seconds"),
        ),
    ]

    # --- scaling ----------------------------------------------------------------------------
    acceptable_latency_seconds: Annotated[
        float,
        Field(
            default=300.0,
            gt=0,
            le=86_400,
            description="How long a message may wait in a backlog. With seconds_per_message and "
            "the instance's concurrency it gives the target of the scaling policy.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    seconds_per_message: Annotated[
        float,
        Field(
            default=0.5,
            gt=0,
            le=43_200,
            description="Measured time that one thread spends on one message while all threads of "
            "an instance are busy.",
            json_schema_extra=unit("seconds"),
        ),
    ]

    # --- queue ------------------------------------------------------------------------------
    visibility_timeout_seconds: Annotated[
        int,
        Field(
            default=120,
            ge=30,
            le=LONGEST_LEASE_SECONDS,
            description="Lease on a received message. The worker extends it while it works; it is "
            "how long the messages of a dead instance stay hidden.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    max_extension_seconds: Annotated[
        int,
        Field(
            default=3600,
            ge=30,
            le=LONGEST_LEASE_SECONDS,
            description="Longest time one receive may keep a message hidden, extensions included. "
            "SQS ends every lease after 12 hours.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    wait_time_seconds: Annotated[
        int,
        Field(
            default=20,
            ge=1,
            le=20,
            description="Long polling: how long an empty receive waits. 20 is cheapest.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    max_receive_count: Annotated[
        int,
        Field(
            default=5,
            ge=1,
            le=1000,
            description="Receives after which a message moves to the dead-letter queue.",
            json_schema_extra=unit("receives"),
        ),
    ]
    retention_days: Annotated[
        int,
        Field(
            default=4,
            ge=1,
            le=14,
            description="How long an unprocessed message is kept. The dead-letter queue keeps 14 "
            "days, counted from the first send.",
            json_schema_extra=unit("days"),
        ),
    ]
    backoff_base_seconds: Annotated[
        float,
        Field(
            default=2.0,
            gt=0,
            le=900,
            description="First delay before a failed message is tried again; doubles per receive.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    backoff_cap_seconds: Annotated[
        float,
        Field(
            default=300.0,
            gt=0,
            le=LONGEST_LEASE_SECONDS,
            description="Longest delay between two tries.",
            json_schema_extra=unit("seconds"),
        ),
    ]

    # --- worker -----------------------------------------------------------------------------
    job: Annotated[
        str,
        Field(
            default="worker.jobs.prepare_document",
            pattern=r"^worker(\.[a-z_][a-z0-9_]*)+$",
            description="Module that holds the job: what is done with a message.",
            json_schema_extra=unit("dotted name under worker_src"),
        ),
    ]
    processes_per_vcpu: Annotated[
        float,
        Field(
            default=1.0,
            gt=0,
            le=16,
            description="Worker processes per vCPU (at least one per instance).",
            json_schema_extra=unit("processes"),
        ),
    ]
    threads_per_process: Annotated[
        int,
        Field(
            default=8,
            ge=1,
            le=256,
            description="Messages that one process works on at a time.",
            json_schema_extra=unit("threads"),
        ),
    ]
    drain_seconds: Annotated[
        int,
        Field(
            default=90,
            ge=5,
            le=7200,
            description="Time to finish or hand back what is in hand when an instance has to go. "
            "Spot gives two minutes at most.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    health_timeout_seconds: Annotated[
        int,
        Field(
            default=300,
            ge=30,
            le=LONGEST_LEASE_SECONDS,
            description="A worker process that shows no sign of life for so long makes its "
            "instance report itself unhealthy.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    max_document_bytes: Annotated[
        int,
        Field(
            default=52_428_800,
            ge=1024,
            le=1_073_741_824,
            description="Larger documents are rejected as poison.",
            json_schema_extra=unit("bytes"),
        ),
    ]
    metrics_namespace: Annotated[
        str,
        Field(
            default="Groundwork/Fleet",
            pattern=r"^[A-Z][A-Za-z0-9_./#-]{1,254}$",
            description="CloudWatch namespace of the worker's own metrics.",
        ),
    ]
    metrics_interval_seconds: Annotated[
        int,
        Field(
            default=60,
            ge=10,
            le=300,
            description="How often each process writes its metrics to the log.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    idempotency_table: Annotated[
        bool,
        Field(
            default=False,
            description="Add a DynamoDB table that remembers finished messages, for jobs whose "
            "effects are not idempotent by themselves (on-demand, about two writes a message).",
        ),
    ]

    # --- operation --------------------------------------------------------------------------
    encryption: Annotated[
        Literal["service_managed", "customer_key"],
        Field(
            default="service_managed",
            description="Keys for the queues and the log group. Service-managed keys are free. "
            "A customer key adds KMS requests to the bill (one per queue and five minutes of "
            "traffic, per caller) and KMS to what must be reachable. The alarm topic always has "
            "a customer key: CloudWatch cannot publish to a topic that uses the AWS managed one.",
        ),
    ]
    session_manager: Annotated[
        bool,
        Field(
            default=False,
            description="Shell access by Systems Manager Session Manager (no SSH in any case). "
            "With interface endpoints it adds two of them.",
        ),
    ]
    detailed_monitoring: Annotated[
        bool,
        Field(
            default=False,
            description="EC2 metrics every minute (billed per instance). Scaling does not need "
            "them: it follows the queue.",
        ),
    ]
    log_retention_days: Annotated[
        LogRetentionDays,
        Field(
            default=14,
            description="How long the worker's logs are kept.",
            json_schema_extra=unit("days, a value that CloudWatch Logs accepts"),
        ),
    ]
    alarm_email: Annotated[
        str,
        Field(
            default="",
            pattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$",
            description="Address that alarms are mailed to; empty for none.",
            json_schema_extra=unit("e-mail address"),
        ),
    ]
    oldest_message_alarm_seconds: Annotated[
        int,
        Field(
            default=900,
            ge=60,
            le=1_209_600,
            description="Alarm when a message has waited longer.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    no_instance_alarm_minutes: Annotated[
        int,
        Field(
            default=10,
            ge=3,
            le=60,
            description="Alarm when there is a backlog and no instance in service for so long. "
            "Longer than a boot, or every start from zero alarms.",
            json_schema_extra=unit("minutes"),
        ),
    ]

    # --- what follows from the settings -------------------------------------------------------
    @property
    def vcpus(self) -> int:
        """Virtual CPUs of one instance."""
        return VCPUS_BY_SIZE[self.instance_types[0].split(".")[1]]

    @property
    def concurrency(self) -> int:
        """Messages that one instance works on at a time."""
        return max(1, round(self.vcpus * self.processes_per_vcpu)) * self.threads_per_process

    @property
    def target_backlog_per_instance(self) -> float:
        """Messages per instance that are worked off within the acceptable latency.

        The acceptable backlog of
        https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html
        """
        rate = self.concurrency / self.seconds_per_message
        return round(self.acceptable_latency_seconds * rate, 3)

    @property
    def stop_seconds(self) -> int:
        """When systemd kills what is left after SIGTERM."""
        return self.drain_seconds + STOP_MARGIN_SECONDS

    @property
    def hook_seconds(self) -> int:
        """Heartbeat timeout of the termination hook: the drain, its end and its report fit in."""
        return max(30, self.stop_seconds + HOOK_MARGIN_SECONDS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._size_problems(), *self._time_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _size_problems(self) -> list[str]:
        problems = []
        if self.min_instances > self.max_instances:
            problems.append(
                f"min_instances ({self.min_instances}) exceeds max_instances "
                f"({self.max_instances}): lower the first or raise the second"
            )
        if self.on_demand_base > self.max_instances:
            problems.append(
                f"on_demand_base ({self.on_demand_base}) exceeds max_instances "
                f"({self.max_instances}): lower the first or raise the second"
            )
        matches = {name: GRAVITON_TYPE.fullmatch(name) for name in self.instance_types}
        foreign = [
            name
            for name, match in matches.items()
            if match is None or match.group(2) not in VCPUS_BY_SIZE
        ]
        if foreign:
            problems.append(
                f"instance_types: {', '.join(foreign)} not of a Graviton family c, m or r "
                f"(such as c7g) with a size of {', '.join(VCPUS_BY_SIZE)}"
            )
        elif len({name.split(".")[1] for name in self.instance_types}) > 1:
            problems.append(
                "instance_types differ in size: the backlog per instance means something only "
                "when instances are alike; name several families of one size"
            )
        return problems

    def _time_problems(self) -> list[str]:
        return [
            f"{shorter} ({getattr(self, shorter)}) exceeds {longer} ({getattr(self, longer)}): "
            f"{reason}"
            for shorter, longer, reason in (
                (
                    "visibility_timeout_seconds",
                    "max_extension_seconds",
                    "a lease would have to end before its first visibility timeout",
                ),
                (
                    "drain_seconds",
                    "max_extension_seconds",
                    "leases could end while the instance drains; raise max_extension_seconds",
                ),
                (
                    "backoff_base_seconds",
                    "backoff_cap_seconds",
                    "the first delay cannot be longer than the longest",
                ),
                (
                    "backoff_cap_seconds",
                    "max_extension_seconds",
                    "a delay is a visibility timeout too",
                ),
            )
            if getattr(self, shorter) > getattr(self, longer)
        ]
