"""Scale by the backlog per instance."""

from __future__ import annotations

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.escape_hatch import resource_of
from stacks.constructs.fleet_metrics import MINUTE, FleetMetrics, backlog_per_instance


class BacklogScaling(Construct):
    """Two policies: track the backlog per instance, and wake an empty group.

    Tracking: what is there and what is about to come, per instance, by metric math, so nothing has
    to publish a metric
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-target-tracking-metric-math.html):

        (visible + in flight + arrivals of the anticipated seconds) / max(instances in service, 1)

    Messages in flight count, or the group would shrink under the work it is doing. Arrivals count,
    or a group that has just caught up looks useless, shrinks, and falls behind again; the
    simulation in docs/scaling.md shows how much they should. Missing data:

    - in flight is only reported while messages are in flight, so it is filled with 0, like sent;
      they arrive together with visible, without which there is no value at all
      (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html);
    - instances in service is reported every minute once group metrics are on
      (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html), also as
      0, which the IF turns into 1. It is not filled: a late data point would read as an empty group
      and multiply the backlog per instance.

    Waking: what is documented of target tracking is proportional to the current capacity, and no
    page says what it does at 0. A step policy on an alarm of its own starts the first instances
    after one minute of backlog: as many as tracking would ask for, rounded down to a power of two.
    Tracking takes over when they are in service.

    The L2 construct refuses metric math here (aws-cdk issue 20659), hence the L1 policy.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group: autoscaling.AutoScalingGroup,
        queue: sqs.IQueue,
        metrics: FleetMetrics,
        target_backlog_per_instance: float,
        anticipated_seconds: float,
        max_instances: int,
        warmup_seconds: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._group = group
        self._track(queue, target_backlog_per_instance, anticipated_seconds)
        self._wake(metrics, target_backlog_per_instance, max_instances, warmup_seconds)

    def _track(self, queue: sqs.IQueue, target: float, anticipated_seconds: float) -> None:
        policy = autoscaling.CfnScalingPolicy
        name = self._group.auto_scaling_group_name
        of_queue = ("AWS/SQS", "QueueName", queue.queue_name)
        of_group = ("AWS/AutoScaling", "AutoScalingGroupName", name)

        def metric(
            metric_id: str, source: tuple[str, str, str], metric_name: str, stat: str = "Average"
        ) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
            namespace, dimension, value = source
            return policy.TargetTrackingMetricDataQueryProperty(
                id=metric_id,
                return_data=False,
                metric_stat=policy.TargetTrackingMetricStatProperty(
                    stat=stat,
                    metric=policy.MetricProperty(
                        namespace=namespace,
                        metric_name=metric_name,
                        dimensions=[policy.MetricDimensionProperty(name=dimension, value=value)],
                    ),
                ),
            )

        arrivals = [metric("sent", of_queue, "NumberOfMessagesSent", "Sum")]
        self.tracking = policy(
            self,
            "BacklogPerInstance",
            auto_scaling_group_name=name,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration=policy.TargetTrackingConfigurationProperty(
                target_value=target,
                disable_scale_in=False,
                customized_metric_specification=(
                    policy.CustomizedMetricSpecificationProperty(
                        metrics=[
                            metric("visible", of_queue, "ApproximateNumberOfMessagesVisible"),
                            metric("in_flight", of_queue, "ApproximateNumberOfMessagesNotVisible"),
                            *(arrivals if anticipated_seconds else ()),
                            metric("in_service", of_group, "GroupInServiceInstances"),
                            policy.TargetTrackingMetricDataQueryProperty(
                                id="backlog_per_instance",
                                label="Backlog per instance",
                                expression=backlog_per_instance(
                                    anticipated_seconds=anticipated_seconds
                                ),
                                return_data=True,
                            ),
                        ]
                    )
                ),
            ),
        )

    def _wake(
        self, metrics: FleetMetrics, target: float, max_instances: int, warmup_seconds: int
    ) -> None:
        policy = autoscaling.CfnScalingPolicy
        sizes = _sizes(max_instances)
        steps = [
            policy.StepAdjustmentProperty(
                metric_interval_lower_bound=round(size * target, 3) if place else 0,
                metric_interval_upper_bound=round(larger * target, 3) if larger else None,
                scaling_adjustment=size,
            )
            for place, (size, larger) in enumerate(zip(sizes, [*sizes[1:], None], strict=True))
        ]
        self.waking = policy(
            self,
            "WakeFromZero",
            auto_scaling_group_name=self._group.auto_scaling_group_name,
            policy_type="StepScaling",
            adjustment_type="ChangeInCapacity",
            metric_aggregation_type="Maximum",
            estimated_instance_warmup=warmup_seconds,
            step_adjustments=steps,
        )
        alarm = cloudwatch.Alarm(
            self,
            "BacklogWithoutInstances",
            alarm_description="Messages wait and the group is empty: starts the first instances. "
            "No action is needed.",
            metric=cloudwatch.MathExpression(
                expression="IF(visible >= 0, IF(desired < 1, visible, 0))",
                using_metrics={
                    "desired": metrics.desired_capacity,
                    "visible": metrics.visible,
                },
                label="Backlog of an empty group",
                period=MINUTE,
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        resource_of(alarm, cloudwatch.CfnAlarm).alarm_actions = [self.waking.ref]


def _sizes(max_instances: int) -> list[int]:
    """Powers of two up to the maximum: 14 steps at most, of the 20 that a policy may have.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html
    """
    return [
        *(2**power for power in range(13) if 2**power < max_instances),
        max_instances,
    ]
