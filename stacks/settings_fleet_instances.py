"""Settings of the fleet: instances and scaling."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.settings_model import Capability, unit


class InstanceSettings(Capability):
    """How many instances of what kind, and what makes the group grow."""

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
    anticipated_share: Annotated[
        float,
        Field(
            default=0.5,
            ge=0,
            le=1,
            description="Share of the messages that are about to arrive within "
            "acceptable_latency_seconds, at the present rate, that counts as backlog already. 0 "
            "waits until there is a backlog and swings most; 1 waits least, and pays for every "
            "error in seconds_per_message (docs/scaling.md).",
            json_schema_extra=unit("share"),
        ),
    ]
    idle_minutes: Annotated[
        int,
        Field(
            default=3,
            ge=2,
            le=60,
            description="With nothing in the queue, in flight or arriving for so long, the group "
            "shrinks to its minimum at once. Target tracking alone takes a quarter of an hour. "
            "Longer than the usual pauses of the senders, or every pause ends with a boot.",
            json_schema_extra=unit("minutes"),
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
