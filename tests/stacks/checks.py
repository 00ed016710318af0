"""All rules, by the stack that they are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.stacks import (
    checks_access,
    checks_functions,
    checks_instances,
    checks_jobs,
    checks_knowledge,
    checks_messages,
    checks_network,
    checks_offline,
    checks_scaling,
    checks_tags,
    checks_vector_stores,
    checks_versioned_tables,
)
from tests.stacks.checks_assistant import ASSISTANT_CHECKS
from tests.stacks.checks_ingestion import INGESTION_CHECKS
from tests.stacks.checks_prompts import PROMPT_CHECKS
from tests.stacks.reading import Template

Check = Callable[[Template], list[str]]

NETWORK_CHECKS = (
    checks_network.check_gateway_endpoints,
    checks_network.check_one_way_out,
    checks_network.check_endpoint_policies,
    checks_network.check_private_dns,
    checks_network.check_no_open_ports,
    checks_network.check_default_security_group_is_unused,
    checks_network.check_no_public_addresses,
    checks_network.check_worker_subnets,
    checks_network.check_flow_logs,
    checks_messages.check_log_retention,
)
DOCUMENT_CHECKS = (
    checks_network.check_buckets,
    checks_network.check_uploads_are_announced,
    checks_network.check_names_are_free,
    checks_network.check_document_outputs,
)
FLEET_CHECKS = (
    checks_messages.check_queues_are_encrypted,
    checks_messages.check_redrive,
    checks_messages.check_long_polling,
    checks_messages.check_retention,
    checks_messages.check_visibility,
    checks_messages.check_nobody_else_may_send,
    checks_messages.check_uploads_become_messages,
    checks_messages.check_lambda_consumers_have_time,
    checks_messages.check_alarms,
    checks_messages.check_no_healthy_worker_is_noticed,
    checks_messages.check_topic,
    checks_messages.check_log_retention,
    checks_messages.check_outputs,
    checks_instances.check_launch_template_only,
    checks_instances.check_metadata_service,
    checks_instances.check_volumes,
    checks_instances.check_no_way_in,
    checks_instances.check_image,
    checks_instances.check_instance_types,
    checks_instances.check_spot,
    checks_instances.check_zones,
    checks_instances.check_sizes,
    checks_instances.check_no_desired_capacity,
    checks_instances.check_group_metrics,
    checks_instances.check_new_code_reaches_old_instances,
    checks_instances.check_drain,
    checks_instances.check_unit,
    checks_instances.check_script,
    checks_instances.check_environment,
    checks_instances.check_nothing_left_open_in_files,
    checks_scaling.check_metric_math,
    checks_scaling.check_in_flight_counts,
    checks_scaling.check_denominator,
    checks_scaling.check_target,
    checks_scaling.check_wakes_from_zero,
    checks_scaling.check_rests,
    checks_scaling.check_warm_up,
    checks_network.check_no_open_ports,
    checks_jobs.check_jobs_table,
    checks_jobs.check_the_worker_may_report,
)
FUNCTIONS_CHECKS = (
    checks_functions.check_function_runs_on_graviton,
    checks_functions.check_function_logs,
    checks_functions.check_role_per_function,
    checks_functions.check_alias_points_at_a_version,
    checks_functions.check_only_the_alias_is_invoked,
    checks_functions.check_permissions_name_their_source,
    checks_functions.check_one_strategy,
    checks_functions.check_pings,
    checks_functions.check_asynchronous_failures,
    checks_functions.check_provisioned_capacity,
    checks_functions.check_function_alarms,
    checks_functions.check_alarms_reach_somebody,
    checks_functions.check_routes_are_guarded,
    checks_functions.check_api_is_limited_and_logged,
    checks_functions.check_api_waits_for_its_functions,
    checks_functions.check_function_outputs,
    checks_messages.check_log_retention,
    checks_messages.check_queues_are_encrypted,
    checks_messages.check_long_polling,
)
OFFLINE_CHECKS = (
    checks_versioned_tables.check_sources_are_versioned,
    checks_versioned_tables.check_sources_may_reach_their_tables,
    checks_versioned_tables.check_delta_table,
    checks_versioned_tables.check_tables,
    checks_versioned_tables.check_synchronisation,
    checks_offline.check_runtime,
    checks_versioned_tables.check_versions_are_asked,
    checks_versioned_tables.check_conflicts,
    checks_versioned_tables.check_nobody_else_writes,
    checks_offline.check_ways_in,
    checks_offline.check_limits,
    checks_offline.check_api_is_observed,
    checks_offline.check_resolvers,
    checks_offline.check_subscriptions_are_filtered,
    checks_offline.check_users,
    checks_offline.check_users_reach_photos_alone,
    checks_offline.check_firewall,
    checks_offline.check_offline_alarms,
    checks_offline.check_offline_outputs,
    checks_functions.check_function_runs_on_graviton,
    checks_functions.check_function_logs,
    checks_functions.check_role_per_function,
    checks_functions.check_alias_points_at_a_version,
    checks_functions.check_function_alarms,
    checks_functions.check_alarms_reach_somebody,
    checks_network.check_buckets,
    checks_network.check_names_are_free,
    checks_messages.check_log_retention,
)
KNOWLEDGE_CHECKS = (
    checks_knowledge.check_role_is_for_knowledge_bases,
    checks_knowledge.check_role_may_embed,
    checks_knowledge.check_role_may_rerank,
    checks_knowledge.check_role_reads_documents,
    checks_knowledge.check_dimension,
    checks_knowledge.check_names_change_with_what_is_replaced,
    checks_knowledge.check_deletion,
    checks_knowledge.check_store_comes_first,
    checks_knowledge.check_custom_resources_are_ours,
    checks_knowledge.check_logs_of_ingestion,
    checks_knowledge.check_knowledge_outputs,
    checks_vector_stores.check_collection_waits_for_its_policies,
    checks_vector_stores.check_index_waits_until_its_maker_is_admitted,
    checks_vector_stores.check_data_access,
    checks_vector_stores.check_search_names,
    checks_vector_stores.check_search_index,
    checks_vector_stores.check_capacity,
    checks_vector_stores.check_collection_has_no_tags,
    checks_vector_stores.check_no_search_endpoint_is_made,
    checks_functions.check_function_runs_on_graviton,
    checks_functions.check_function_logs,
    checks_functions.check_role_per_function,
    checks_messages.check_log_retention,
    checks_messages.check_queues_are_encrypted,
    checks_messages.check_long_polling,
    checks_messages.check_lambda_consumers_have_time,
    *INGESTION_CHECKS,
)
# Of the stores that no stage has; test_knowledge.py looks at them with each store.
STORE_CHECKS = (
    checks_knowledge.check_documents_can_be_read_automatically,
    checks_vector_stores.check_s3_vectors,
    checks_vector_stores.check_database,
    checks_vector_stores.check_database_user,
    checks_vector_stores.check_domain,
    checks_vector_stores.check_third_party,
    checks_vector_stores.check_setup_changes_its_own,
)
EVERYWHERE = (
    checks_messages.check_only_tls,
    checks_network.check_no_custom_resources,
    checks_access.check_no_wildcard_actions,
    checks_access.check_no_wildcard_resources,
    checks_access.check_no_managed_policies,
    checks_access.check_trusts,
    checks_access.check_resource_policies,
    checks_access.check_policies_come_with_the_role,
    checks_access.check_no_secrets_in_plain_text,
    checks_tags.check_no_tags_that_replace,
)
CHECKS: Mapping[str, tuple[Check, ...]] = {
    "Assistant": (
        *PROMPT_CHECKS,
        *ASSISTANT_CHECKS,
        checks_messages.check_log_retention,
        *EVERYWHERE,
    ),
    "Network": NETWORK_CHECKS + EVERYWHERE,
    "Documents": DOCUMENT_CHECKS + EVERYWHERE,
    "Fleet": FLEET_CHECKS + EVERYWHERE,
    "Functions": FUNCTIONS_CHECKS + EVERYWHERE,
    "Offline": OFFLINE_CHECKS + EVERYWHERE,
    "Knowledge": KNOWLEDGE_CHECKS
    + tuple(check for check in EVERYWHERE if check is not checks_network.check_no_custom_resources),
}


def findings(stack: str, template: Template) -> list[str]:
    """Everything that is wrong with a template: the rule's name, then what it says."""
    return [
        f"{check.__name__}: {problem}" for check in CHECKS[stack] for problem in check(template)
    ]
