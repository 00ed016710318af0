"""The Auto Scaling group of workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.escape_hatch import resource_of

HOOK_NAME = "drain"


@dataclass(frozen=True, kw_only=True)
class WorkerFleetInputs:
    """The group's place, template, sizes and times."""

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    launch_template: ec2.LaunchTemplate
    auto_scaling_group_name: str
    min_instances: int
    max_instances: int
    instance_types: Sequence[str]
    on_demand_base: int
    spot_percentage: int
    warmup_seconds: int
    hook_seconds: int
    max_instance_lifetime_days: int


class WorkerFleet(Construct):
    """Spot and on-demand Graviton instances over several zones, drained before each goes.

    - Desired capacity is left out: a number here would reset the fleet at every deploy.
    - price-capacity-optimized picks the pools with the most spare capacity among the cheapest, and
      capacity rebalancing replaces a spot instance at its first warning, not at the notice
      (https://docs.aws.amazon.com/autoscaling/ec2/userguide/allocation-strategies.html,
      https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-capacity-rebalancing.html).
    - The termination hook is part of the group, so the very first instance has it and no instance
      outlives it. Nobody is notified: the worker watches its own lifecycle state in the metadata
      and completes the hook, which needs neither a topic nor a role. The result after the heartbeat
      timeout is CONTINUE, as an instance whose worker is dead has nothing left to wait for
      (https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html).
    - A new launch template version, and so new code, starts an instance refresh, which launches
      before it drains (https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-instance-refresh.html).
      CloudFormation's rolling update would need signals, and an endpoint to send them through, to
      notice that new instances do not come up. The refresh watches no alarm: an alarm that is on
      because of a bad release would stop the release that mends it.
    - The group has a fixed name, because the worker's environment, which is part of the group's
      launch template, names it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: WorkerFleetInputs) -> None:
        super().__init__(scope, construct_id)
        self.group = autoscaling.AutoScalingGroup(
            self,
            "Group",
            auto_scaling_group_name=inputs.auto_scaling_group_name,
            vpc=inputs.vpc,
            vpc_subnets=inputs.subnets,
            min_capacity=inputs.min_instances,
            max_capacity=inputs.max_instances,
            mixed_instances_policy=autoscaling.MixedInstancesPolicy(
                launch_template=inputs.launch_template,
                launch_template_overrides=[
                    autoscaling.LaunchTemplateOverrides(instance_type=ec2.InstanceType(name))
                    for name in inputs.instance_types
                ],
                instances_distribution=autoscaling.InstancesDistribution(
                    on_demand_allocation_strategy=(
                        autoscaling.OnDemandAllocationStrategy.PRIORITIZED
                    ),
                    on_demand_base_capacity=inputs.on_demand_base,
                    on_demand_percentage_above_base_capacity=100 - inputs.spot_percentage,
                    spot_allocation_strategy=(
                        autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED
                    ),
                ),
            ),
            capacity_rebalance=True,
            default_instance_warmup=Duration.seconds(inputs.warmup_seconds),
            group_metrics=[autoscaling.GroupMetrics.all()],
            health_checks=autoscaling.HealthChecks.ec2(
                grace_period=Duration.seconds(inputs.warmup_seconds)
            ),
            max_instance_lifetime=Duration.days(inputs.max_instance_lifetime_days),
            new_instances_protected_from_scale_in=False,
            termination_policies=[
                autoscaling.TerminationPolicy.OLDEST_LAUNCH_TEMPLATE,
                autoscaling.TerminationPolicy.ALLOCATION_STRATEGY,
                autoscaling.TerminationPolicy.DEFAULT,
            ],
            update_policy=autoscaling.UpdatePolicy.instance_refresh(
                strategy=autoscaling.InstanceRefreshStrategy.ROLLING,
                min_healthy_percentage=90,
                max_healthy_percentage=120,
                instance_warmup=Duration.seconds(inputs.warmup_seconds),
            ),
        )
        self.resource = resource_of(self.group, autoscaling.CfnAutoScalingGroup)
        self.resource.lifecycle_hook_specification_list = [
            autoscaling.CfnAutoScalingGroup.LifecycleHookSpecificationProperty(
                lifecycle_hook_name=HOOK_NAME,
                lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
                heartbeat_timeout=inputs.hook_seconds,
                default_result="CONTINUE",
            )
        ]
        acknowledge(
            self.group,
            "AwsSolutions::AwsSolutions-AS3",
            reason="Every scaling event is on the default event bus anyway; mailing each one of a "
            "fleet that breathes with its queue would bury the alarms.",
        )
        acknowledge(
            self.group,
            "AwsSolutions::AwsSolutions-EC26",
            reason="The rule looks for the group's own launch template and stumbles over a mixed "
            "instances policy; the volume is encrypted in the template, which a test holds.",
        )
