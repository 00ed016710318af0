"""What became of each document."""

from __future__ import annotations

from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

# A prefix for which CloudWatch Logs lets services in without growing the account's few resource
# policies by an entry per log group.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
PREFIX = "/aws/vendedlogs/bedrock/"


class KnowledgeBaseLogs(Construct):
    """Bedrock's log of ingestion, a line per document and per change of a job's state.

    https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-bases-logging.html

    `name` changes whenever the knowledge base is another one: a source of that name is still there,
    for the old one, while the new one is made.

    Attributes: `resource`, the last thing made here.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        knowledge_base_arn: str,
        retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        group = logs.CfnLogGroup(
            self, "Group", log_group_name=f"{PREFIX}{name}", retention_in_days=retention_days
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        source = logs.CfnDeliverySource(
            self,
            "Source",
            name=name,
            resource_arn=knowledge_base_arn,
            log_type="APPLICATION_LOGS",
        )
        destination = logs.CfnDeliveryDestination(
            self,
            "Destination",
            name=name,
            # Without the `:*` that stands for the group's streams.
            destination_resource_arn=Fn.select(0, Fn.split(":*", group.attr_arn)),
        )
        self.resource = logs.CfnDelivery(
            self,
            "Delivery",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.attr_arn,
        )
        self.resource.add_resource_dependency(source)
