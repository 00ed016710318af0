"""Settings of the fleet: the worker program."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.settings_fleet_messages import LONGEST_LEASE_SECONDS
from stacks.settings_model import Capability, unit


class WorkerSettings(Capability):
    """What runs on every instance, and how it leaves."""

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
    job_recovery: Annotated[
        bool,
        Field(
            default=False,
            description="Point-in-time recovery for the table of jobs (billed per GB and month).",
        ),
    ]
