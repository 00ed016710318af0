"""When somebody has to look at the fleet."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.alarm import alarm
from stacks.constructs.fleet_metrics import MINUTE, FleetMetrics


class FleetAlarms(Construct):
    """Four alarms, each with a line in docs/operations.md.

    Missing data never alarms: a queue that nobody has touched for six hours reports nothing, and
    workers report drains only when there are drains
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        metrics: FleetMetrics,
        topic: sns.ITopic,
        oldest_message_seconds: int,
        no_worker_minutes: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.oldest_message = alarm(
            self,
            "OldestMessage",
            metrics.oldest_message,
            topic=topic,
            threshold=oldest_message_seconds,
            periods=3,
            description="A message has waited longer than is acceptable: the fleet is at its "
            "maximum, short of capacity, or stuck.",
        )
        self.dead_letters = alarm(
            self,
            "DeadLetters",
            metrics.dead_letters,
            topic=topic,
            threshold=0,
            description="Messages could not be processed and wait in the dead-letter queue.",
        )
        # Reports rather than instances in service: an instance is in service from its launch on,
        # so one that fails while it boots, again and again, would look healthy half of the time.
        # No report at all reads as 0. A minute that SQS has not reported yet has no value, or it
        # would read as an empty queue.
        self.no_healthy_worker = alarm(
            self,
            "NoHealthyWorker",
            cloudwatch.MathExpression(
                expression="IF(visible >= 0, IF(FILL(reports, 0) < 1, visible, 0))",
                using_metrics={"reports": metrics.reports, "visible": metrics.visible},
                label="Backlog without a healthy worker",
                period=MINUTE,
            ),
            topic=topic,
            threshold=0,
            periods=no_worker_minutes,
            description="Messages wait and no worker reports: no capacity to be had, instances "
            "that fail while they boot, or workers that cannot write their logs.",
        )
        self.drain_timed_out = alarm(
            self,
            "DrainTimedOut",
            metrics.worker("DrainTimedOut", "Sum"),
            topic=topic,
            threshold=0,
            description="An instance left before its work was finished or handed back: messages "
            "will be seen again. Raise fleet.drain_seconds, or make jobs shorter.",
        )
