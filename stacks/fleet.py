"""What the fleet's stack hands to the stacks that come after it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Where work goes, who keeps count of it, and where every stack's alarms go."""

    queue: sqs.IQueue
    jobs_table: dynamodb.ITable
    encryption_key: kms.IKey | None
    alarm_topic: sns.ITopic
