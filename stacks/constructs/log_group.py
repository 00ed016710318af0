"""Log groups whose retention is a number of days."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.escape_hatch import resource_of


def log_group(
    scope: Construct,
    construct_id: str,
    *,
    retention_days: int,
    removal_policy: RemovalPolicy,
    encryption_key: kms.IKey | None = None,
    name: str | None = None,
) -> logs.LogGroup:
    """A log group that forgets after `retention_days`.

    Without a retention CloudWatch Logs keeps, and bills, everything for ever
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html).
    The L2 construct wants an enum; settings hold plain days, checked against the values that the
    service accepts.
    """
    group = logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        removal_policy=removal_policy,
        encryption_key=encryption_key,
    )
    resource_of(group, logs.CfnLogGroup).retention_in_days = retention_days
    return group
