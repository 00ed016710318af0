"""The fleet at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.fleet_metrics import MINUTE, FleetMetrics, backlog_per_instance


class FleetDashboard(Construct):
    """Backlog, instances, throughput, failures and drains on one page.

    The first three dashboards of an account are free
    (https://aws.amazon.com/cloudwatch/pricing/).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dashboard_name: str,
        metrics: FleetMetrics,
        alarms: Sequence[cloudwatch.IAlarm],
        target_backlog_per_instance: float,
        anticipated_seconds: float,
    ) -> None:
        super().__init__(scope, construct_id)
        backlog = cloudwatch.MathExpression(
            expression=backlog_per_instance(anticipated_seconds=anticipated_seconds),
            using_metrics={
                "visible": metrics.visible,
                "in_flight": metrics.in_flight,
                "in_service": metrics.in_service,
                **({"sent": metrics.sent} if anticipated_seconds else {}),
            },
            label="Backlog per instance",
            period=MINUTE,
        )
        target = cloudwatch.HorizontalAnnotation(value=target_backlog_per_instance, label="Target")
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=dashboard_name,
            default_interval=Duration.hours(3),
        )
        self.dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(alarms=list(alarms), title="Alarms", width=24, height=3)
        )
        self.dashboard.add_widgets(
            _graph("Messages", metrics.visible, metrics.in_flight),
            _graph("Backlog per instance", backlog, annotations=[target]),
            _graph("Instances", metrics.in_service, metrics.desired_capacity, metrics.terminating),
        )
        self.dashboard.add_widgets(
            _graph(
                "Throughput",
                metrics.worker("MessagesProcessed", "Sum"),
                metrics.worker("MessagesRetried", "Sum"),
                metrics.worker("MessagesRejected", "Sum"),
            ),
            _graph("Oldest message, seconds", metrics.oldest_message),
            _graph("Dead letters", metrics.dead_letters),
        )
        self.dashboard.add_widgets(
            _graph(
                "Processing time, milliseconds",
                metrics.worker("ProcessingTime", "p50"),
                metrics.worker("ProcessingTime", "p99"),
            ),
            _graph(
                "Not finished in one go",
                metrics.worker("MessagesFailed", "Sum"),
                metrics.worker("MessagesHandedBack", "Sum"),
                metrics.worker("LeaseLost", "Sum"),
            ),
            _graph("Drains, seconds", metrics.worker("DrainSeconds", "Maximum")),
        )


def _graph(
    title: str,
    *metrics: cloudwatch.IMetric,
    annotations: Sequence[cloudwatch.HorizontalAnnotation] = (),
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=list(metrics), left_annotations=list(annotations), width=8, height=6
    )
