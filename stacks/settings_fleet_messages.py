"""Settings of the fleet: the queue."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.settings_model import Capability, unit

# What a visibility timeout may reach in total, counted from the receive: 12 hours.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
LONGEST_LEASE_SECONDS = 43_200


class MessageSettings(Capability):
    """How long messages are leased, retried and kept."""

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
