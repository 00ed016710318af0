"""Everything that we add to MiniStack's resource types, in one place."""

from __future__ import annotations

from local.types import (
    alarms,
    apis,
    buckets,
    caches,
    database_clusters,
    deploying_roles,
    exports_in_use,
    flow_logs,
    function_urls,
    functions,
    guardrails,
    knowledge_bases,
    log_deliveries,
    machine_images,
    nat_gateways,
    output_changes,
    prompts,
    scalable_targets,
    search_collections,
    search_indices,
    security_group_rules,
    stack_events,
    stack_waits,
    table_expressions,
    tables,
    topics,
    type_changes,
    vector_buckets,
    web_acls,
)

FAMILIES = (
    alarms,
    apis,
    buckets,
    caches,
    database_clusters,
    deploying_roles,
    exports_in_use,
    flow_logs,
    function_urls,
    functions,
    guardrails,
    knowledge_bases,
    log_deliveries,
    machine_images,
    nat_gateways,
    output_changes,
    prompts,
    scalable_targets,
    search_collections,
    search_indices,
    security_group_rules,
    stack_events,
    stack_waits,
    table_expressions,
    tables,
    topics,
    type_changes,
    vector_buckets,
    web_acls,
)


def register() -> None:
    """Hook all of it; once per process."""
    for family in FAMILIES:
        family.register()
