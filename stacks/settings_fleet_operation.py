"""Settings of the fleet: keys, logs, alarms and access."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stacks.settings_model import Capability, LogRetentionDays, unit


class OperationSettings(Capability):
    """What operators see of the fleet, and how they reach it."""

    encryption: Annotated[
        Literal["service_managed", "customer_key"],
        Field(
            default="service_managed",
            description="Keys for the queues and the log group. Service-managed keys are free. "
            "A customer key adds KMS requests to the bill (one per queue and five minutes of "
            "traffic, per caller); the services make them, so instances need not reach KMS. The "
            "alarm topic always has a customer key: CloudWatch cannot publish to a topic that uses "
            "the AWS managed one.",
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
    no_worker_alarm_minutes: Annotated[
        int,
        Field(
            default=10,
            ge=3,
            le=60,
            description="Alarm when there is a backlog and no worker has reported for so long. "
            "Longer than a boot, or every start from zero alarms.",
            json_schema_extra=unit("minutes"),
        ),
    ]
