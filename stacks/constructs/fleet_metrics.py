"""The metrics that policies, alarms and the dashboard look at, each made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

MINUTE = Duration.minutes(1)


def backlog_per_instance(*, anticipated_seconds: float) -> str:
    """Metric math over `visible`, `in_flight`, `sent` (a minute's sum) and `in_service`.

    The outer IF has no value for a minute that SQS has not reported yet. Without it, arithmetic
    would take the missing `visible` for 0, and a group whose own metrics are a minute ahead of the
    queue's would never see a backlog in the newest minute
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html).
    """
    minutes = anticipated_seconds / 60
    arrivals = f" + {minutes:g} * FILL(sent, 0)" if minutes else ""
    return (
        f"IF(visible >= 0, (visible + FILL(in_flight, 0){arrivals}) / "
        "IF(in_service > 0, in_service, 1))"
    )


@dataclass(frozen=True, kw_only=True)
class FleetMetrics:
    """Metrics of one queue, its group and its workers, at one minute."""

    queue: sqs.IQueue
    dead_letter_queue: sqs.IQueue
    auto_scaling_group_name: str
    namespace: str

    @cached_property
    def visible(self) -> cloudwatch.Metric:
        """Messages that wait."""
        return self.queue.metric_approximate_number_of_messages_visible(
            period=MINUTE, statistic="Average"
        )

    @cached_property
    def in_flight(self) -> cloudwatch.Metric:
        """Messages that somebody works on."""
        return self.queue.metric_approximate_number_of_messages_not_visible(
            period=MINUTE, statistic="Average"
        )

    @cached_property
    def sent(self) -> cloudwatch.Metric:
        """Messages that arrived within the minute."""
        return self.queue.metric_number_of_messages_sent(period=MINUTE, statistic="Sum")

    @cached_property
    def oldest_message(self) -> cloudwatch.Metric:
        """Age in seconds of the message that waits longest."""
        return self.queue.metric_approximate_age_of_oldest_message(
            period=MINUTE, statistic="Maximum"
        )

    @cached_property
    def dead_letters(self) -> cloudwatch.Metric:
        """Messages that could not be processed."""
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(
            period=MINUTE, statistic="Maximum"
        )

    @cached_property
    def in_service(self) -> cloudwatch.Metric:
        """Instances that work."""
        return self._group("GroupInServiceInstances")

    @cached_property
    def desired_capacity(self) -> cloudwatch.Metric:
        """Instances that the group wants."""
        return self._group("GroupDesiredCapacity")

    @cached_property
    def terminating(self) -> cloudwatch.Metric:
        """Instances that drain."""
        return self._group("GroupTerminatingInstances")

    @cached_property
    def reports(self) -> cloudwatch.Metric:
        """Reports of worker processes, which each sends one per interval, idle or not."""
        return self.worker("ApiCalls", "SampleCount")

    def worker(self, metric_name: str, statistic: str) -> cloudwatch.Metric:
        """A metric that the workers write into their log."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=metric_name,
            dimensions_map={"AutoScalingGroupName": self.auto_scaling_group_name},
            period=MINUTE,
            statistic=statistic,
        )

    def _group(self, metric_name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/AutoScaling",
            metric_name=metric_name,
            dimensions_map={"AutoScalingGroupName": self.auto_scaling_group_name},
            period=MINUTE,
            statistic="Average",
        )
