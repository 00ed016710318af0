"""What is refused before it reaches the API."""

from __future__ import annotations

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_appsync as appsync
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

MANAGED = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")


class ApiFirewall(Construct):
    """AWS WAF in front of an API: two of AWS's rule groups, and a limit per address.

    Without the common rule set, which looks for attacks on web pages and takes GraphQL for some of
    them, and whose limit of 8 KB a long note exceeds
    (https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html).
    What is refused is logged, without what would let somebody else in
    (https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html says what such a log
    has to be called). 5 USD a month, 1 USD per rule, 0.60 USD per million requests.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        api: appsync.CfnGraphQLApi,
        requests_per_five_minutes: int,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible(name),
            rules=[
                *(_managed(rule, priority) for priority, rule in enumerate(MANAGED)),
                _per_address(requests_per_five_minutes, len(MANAGED)),
            ],
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=api.attr_arn, web_acl_arn=acl.attr_arn
        )
        self._log_what_is_refused(acl, name=name, retention_days=log_retention_days)

    def _log_what_is_refused(self, acl: wafv2.CfnWebACL, *, name: str, retention_days: int) -> None:
        group_name = f"aws-waf-logs-{name}"
        group = logs.CfnLogGroup(
            self, "Logs", log_group_name=group_name, retention_in_days=retention_days
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[
                Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}],
                    }
                ],
            },
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in ("authorization", "x-api-key")
            ],
        ).add_resource_dependency(group)


def _managed(name: str, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=name
            )
        ),
        visibility_config=_visible(name),
    )


def _per_address(limit: int, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="PerAddress",
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=limit, evaluation_window_sec=300
            )
        ),
        visibility_config=_visible("PerAddress"),
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
