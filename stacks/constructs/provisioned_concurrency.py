"""Copies of a function that Lambda keeps ready, as many as are needed."""

from __future__ import annotations

from aws_cdk import Fn
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.settings_function import FunctionSettings

DIMENSION = "lambda:function:ProvisionedConcurrency"


class ProvisionedConcurrency(Construct):
    """Target tracking on the utilization, and a schedule for load that is known.

    - The alias's own configuration starts at the minimum; from then on Application Auto Scaling
      changes it
      (https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-lambda.html).
    - The minimum is at least 1, on the schedule too: at 0 the configuration is deleted, and the
      next deployment, which updates it, fails with ProvisionedConcurrencyConfigNotFound (aws-cdk
      issue 29992). The settings refuse 0.
    - The target names the alias by reference, so it is made after it and deleted before it
      (aws-cdk issue 7903).
    - Tracking looks at minutes and acts a minute later: bursts are over by then. The schedule is
      for what is known beforehand, the spill-over alarm for what neither covered.

    Service-linked roles do the scaling, so none is named. L1, because what is wanted is three plain
    resources.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.Alias,
        settings: FunctionSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        self.target = scaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace="lambda",
            scalable_dimension=DIMENSION,
            resource_id=Fn.join(
                ":",
                [
                    "function",
                    Fn.select(6, Fn.split(":", alias.function_arn)),
                    alias.alias_name,
                ],
            ),
            min_capacity=settings.provisioned_min,
            max_capacity=settings.provisioned_max,
            scheduled_actions=_schedule(settings) if settings.scheduled else None,
        )
        self.target.node.add_dependency(alias)
        self.policy = scaling.CfnScalingPolicy(
            self,
            "Utilization",
            policy_name="Utilization",
            policy_type="TargetTrackingScaling",
            scaling_target_id=self.target.ref,
            target_tracking_scaling_policy_configuration=(
                scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=settings.provisioned_utilization,
                    predefined_metric_specification=(
                        scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                            predefined_metric_type="LambdaProvisionedConcurrencyUtilization"
                        )
                    ),
                )
            ),
        )


def _schedule(
    settings: FunctionSettings,
) -> list[scaling.CfnScalableTarget.ScheduledActionProperty]:
    def action(
        name: str, clock: str, least: int
    ) -> scaling.CfnScalableTarget.ScheduledActionProperty:
        return scaling.CfnScalableTarget.ScheduledActionProperty(
            scheduled_action_name=name,
            schedule=settings.cron(settings.busy_days, clock),
            timezone=settings.busy_time_zone,
            scalable_target_action=scaling.CfnScalableTarget.ScalableTargetActionProperty(
                min_capacity=least, max_capacity=settings.provisioned_max
            ),
        )

    return [
        action("Busy", settings.busy_from, settings.busy_capacity),
        action("Quiet", settings.busy_until, settings.provisioned_min),
    ]
