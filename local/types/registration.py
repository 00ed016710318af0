"""Everything that we add to MiniStack's resource types, in one place."""

from __future__ import annotations

from local.types import (
    alarms,
    apis,
    buckets,
    flow_logs,
    functions,
    machine_images,
    nat_gateways,
    scalable_targets,
    security_group_rules,
    tables,
    topics,
    web_acls,
)

FAMILIES = (
    alarms,
    apis,
    buckets,
    flow_logs,
    functions,
    machine_images,
    nat_gateways,
    scalable_targets,
    security_group_rules,
    tables,
    topics,
    web_acls,
)


def register() -> None:
    """Hook all of it; once per process."""
    for family in FAMILIES:
        family.register()
