"""Shrink to the minimum once there is nothing left to do."""

from __future__ import annotations

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.escape_hatch import resource_of
from stacks.constructs.fleet_metrics import MINUTE, FleetMetrics


class IdleScaling(Construct):
    """A step policy that asks for 0 instances when queue and arrivals are at zero.

    The group's minimum makes of the 0 what it allows: no policy goes below it
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-capacity-limits.html).

    Target tracking waits for about fifteen minutes, and then scales in "more gradually"
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html). After a
    burst that is a whole fleet with nothing to do. With nothing visible, nothing in flight and
    nothing sent, there is no capacity to be careful with; messages that wait for a retry are in
    flight, and so keep the fleet up. docs/scaling.md shows what it saves. The alarm costs as much
    as three metrics (https://aws.amazon.com/cloudwatch/pricing/).

    It is in ALARM whenever the fleet is idle: that is its work, and it notifies nobody.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group: autoscaling.AutoScalingGroup,
        metrics: FleetMetrics,
        idle_minutes: int,
    ) -> None:
        super().__init__(scope, construct_id)
        policy = autoscaling.CfnScalingPolicy
        self.resting = policy(
            self,
            "Rest",
            auto_scaling_group_name=group.auto_scaling_group_name,
            policy_type="StepScaling",
            adjustment_type="ExactCapacity",
            metric_aggregation_type="Maximum",
            step_adjustments=[
                policy.StepAdjustmentProperty(metric_interval_upper_bound=0, scaling_adjustment=0)
            ],
        )
        alarm = cloudwatch.Alarm(
            self,
            "NothingToDo",
            alarm_description="No message waits, is worked on or arrives: shrinks the group to its "
            "minimum. No action is needed.",
            metric=cloudwatch.MathExpression(
                expression="IF(visible >= 0, visible + FILL(in_flight, 0) + FILL(sent, 0))",
                using_metrics={
                    "visible": metrics.visible,
                    "in_flight": metrics.in_flight,
                    "sent": metrics.sent,
                },
                label="Messages to do",
                period=MINUTE,
            ),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=idle_minutes,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        resource_of(alarm, cloudwatch.CfnAlarm).alarm_actions = [self.resting.ref]
