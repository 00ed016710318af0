"""The private names of MiniStack that we hook, so that another version fails by name.

MiniStack has no plug-in interface. `local.engine` checks this list before it serves, and
tests/local/test_engine_contract.py names what moved when the pinned version is raised.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version

VERSION = "1.5.33"

HOOKED: dict[str, tuple[str, ...]] = {
    "ministack.app": ("app", "SERVICE_HANDLERS"),
    "ministack.core.router": ("SERVICE_PATTERNS",),
    "ministack.core.responses": (
        "StreamingResponse",
        "get_account_id",
        "get_region",
        "set_request_account_id",
        "set_request_region",
    ),
    "ministack.core.iam_evaluator": ("ResolvedCredential", "resolve_credential"),
    "ministack.core.sigv4": (
        "calculate_signature",
        "header_signing_documents",
        "parse_header_signature",
    ),
    "ministack.services.appsync": (
        "_api_keys",
        "_apis",
        "_create_data_source",
        "_create_graphql_api",
        "_create_resolver",
        "_data_sources",
        "_function_record",
        "_functions",
        "_get_graphql_api",
        "_resolvers",
        "_schemas",
    ),
    "ministack.services.cognito": ("well_known_jwks",),
    "ministack.services.cloudformation.provisioners": (
        "_RESOURCE_HANDLERS",
        "_pascal_to_camel",
        "_cfn_wait_condition_definition",
        "_cw_metric_alarm_record",
        "_ec2_sg_permissions",
        "_ec_call",
        "_ec_query",
        "_ec2_sg_egress_permissions",
        "_ec2_sg_reconcile",
    ),
    "ministack.services.cloudformation": ("_change_sets", "_stacks", "handle_request"),
    "ministack.services.cloudformation.handlers": ("_ACTION_HANDLERS", "_resolve_stack"),
    "ministack.services.bedrock": (
        "_CATALOG",
        "_create_evaluation_job",
        "_create_guardrail",
        "_create_guardrail_version",
        "_delete_guardrail",
        "_evaluation_jobs",
        "_guardrail_arn",
        "_guardrail_versions",
        "_guardrails",
        "_inference_profiles_apps",
        "_update_guardrail",
    ),
    "ministack.services.bedrock_agent": (
        "_create_ds",
        "_create_kb",
        "_create_prompt",
        "_create_prompt_version",
        "_data_sources",
        "_delete_ds",
        "_id",
        "_ingestion_jobs",
        "_knowledge_bases",
        "_prompt_versions",
        "_prompts",
        "_update_ds",
        "_update_kb",
        "_update_prompt",
    ),
    "ministack.services.opensearch": ("_domains",),
    "ministack.services.opensearchserverless": (
        "_Invalid",
        "_access_policies",
        "_collections",
        "_create_access_policy",
        "_create_collection",
        "_create_security_policy",
        "_delete_collection",
        "_get_access_policy",
        "_get_security_policy",
        "_security_policies",
        "_update_access_policy",
        "_update_collection",
        "_update_security_policy",
    ),
    "ministack.services.cloudformation.stacks": (
        "_add_event",
        "_resolve_stack_outputs",
        "_runs_on_worker_thread",
        "_update_resource",
    ),
    "ministack.services.autoscaling": (
        "_ACTION_MAP",
        "_asgs",
        "_delete_asg",
        "_error",
        "_hook_record",
        "_hooks",
        "_member_xml",
        "_parse_member_list",
        "_parse_nested",
        "_policies",
        "_reconcile_instances",
        "_xml",
    ),
    "ministack.services.cloudwatch": (
        "_alarms",
        "_calc_stats",
        "_dims_key",
        "_dispatch_alarm_actions",
        "_evaluate_alarm",
        "_evaluate_parent_alarms",
        "_metrics",
        "_record_history",
        "_store_datum",
        "cloudformation_put_metric_alarm",
    ),
    "ministack.services.cloudwatch_logs": (
        "_append_log_events",
        "_create_delivery",
        "_create_log_group",
        "_delete_delivery",
        "_delete_delivery_destination",
        "_delete_delivery_source",
        "_put_delivery_destination",
        "_put_delivery_source",
    ),
    "ministack.services.apigateway": ("_HOST", "_PORT", "_apis", "_iam_caller_identity_v2"),
    "ministack.services.eventbridge": (
        "_SCHEDULER_TICK_INTERVAL",
        "_dispatch_to_lambda",
        "_parse_rate_seconds",
        "_put_events",
    ),
    "ministack.services.lambda_svc": (
        "_build_function_url_event",
        "_delete_function_concurrency",
        "_emit_lambda_metrics",
        "_execute_function_dispatch",
        "_execute_function_provided_warm",
        "_execute_function_warm",
        "_execute_function_with_config_scope",
        "_execution_record_for_config",
        "_function_url_cors_headers",
        "_functions",
        "_get_base_func_record_for_ref",
        "_get_func_record_for_ref",
        "_get_func_record_for_ref_in_scope",
        "_lambda_function_name_and_qualifier_from_arn",
        "_provided_code_lock",
        "_provided_runtime_code_dir",
        "_provided_worker_env",
        "_put_function_concurrency",
        "_xray_trace_id_for_invocation",
        "handle_function_url_request",
        "invalidate_worker",
        "invoke_async_with_retry",
        "resolve_function_url",
    ),
    "ministack.services.elasticache": (
        "_create_serverless_cache",
        "_replication_groups",
        "_serverless_caches",
        "_user_groups",
        "_users",
    ),
    "ministack.services.iam": ("_instance_profiles",),
    "ministack.services.dynamodb": (
        "_apply_update_expression",
        "_batch_get_item",
        "_batch_write_item",
        "_delete_item",
        "_extract_key_val",
        "_get_item",
        "_normalize_table_name",
        "_parse_path_from_tokens",
        "_put_item",
        "_query",
        "_scan",
        "_split_by_comma",
        "_tables",
        "_tokenize",
        "_transact_get_items",
        "_transact_write_items",
        "_update_continuous_backups",
        "_update_item",
        "_update_ttl",
    ),
    "ministack.services.ec2": (
        "_DEFAULT_SUBNET_ID",
        "_addresses",
        "_flow_logs",
        "_iam_instance_profile_associations",
        "_instances",
        "_launch_instances_internal",
        "_launch_templates",
        "_nat_gateways",
        "_security_groups",
        "_subnets",
        "_tags",
        "_volumes",
        "_vpcs",
    ),
    "ministack.services.s3": (
        "_bucket_has_versions",
        "_buckets",
        "_delete_bucket_encryption",
        "_delete_bucket_lifecycle",
        "_delete_bucket_ownership_controls",
        "_delete_bucket_tagging",
        "_get_object_data",
        "_put_bucket_encryption",
        "_put_bucket_lifecycle",
        "_put_bucket_logging",
        "_put_bucket_ownership_controls",
        "_put_bucket_tagging",
    ),
    "ministack.services.sns": ("_topics",),
    "ministack.core.concurrency": ("esm_wake",),
    "ministack.services.sqs": (
        "_Err",
        "_HANDLERS",
        "_act_change_visibility",
        "_act_change_visibility_batch",
        "_act_delete_message",
        "_act_delete_message_batch",
        "_act_receive_message",
        "_act_send_message",
        "_collect_msgs",
        "_delete_messages_for_esm",
        "_dlq_sweep",
        "_ensure_msg_fields",
        "_expire_retained",
        "_get_q",
        "_queue_by_arn",
        "_queues",
        "_refresh_counts",
        "_validate_batch_entries",
    ),
    "ministack.services.waf": ("_associate_web_acl", "_disassociate_web_acl"),
    "ministack.services.rds": ("_clusters",),
    "ministack.services.rds_data": ("_connect", "_has_real_endpoint", "handle_request"),
    "ministack.services.secretsmanager": ("_create_secret", "_delete_secret", "_resolve"),
    "ministack.services.sts": ("_sessions",),
    "ministack.services.ssm": ("_put_parameter", "_reserved_name_error"),
}


class ContractError(RuntimeError):
    """MiniStack is not the version that we know; names what moved."""


def missing() -> list[str]:
    """What the installed MiniStack no longer has, as module.name."""
    found = []
    for module_name, names in HOOKED.items():
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            found.append(module_name)
            continue
        found += [f"{module_name}.{name}" for name in names if not hasattr(module, name)]
    return found


def check() -> None:
    """Raise ContractError unless the installed MiniStack is the one that we hook."""
    installed = version("ministack")
    if installed != VERSION:
        raise ContractError(
            f"ministack {installed} is installed, the local AWS hooks {VERSION}. "
            "Run: pip install -r requirements-dev.txt"
        )
    moved = missing()
    if moved:
        raise ContractError(f"ministack {installed} lacks {', '.join(moved)}")
