"""The group metrics of one group, as EC2 Auto Scaling sends them each minute once they are on.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html
"""

from __future__ import annotations

from local.fleet.group import Group


def group_metrics(group: Group) -> dict[str, float]:
    """By metric name; nothing for metrics that are off."""
    state = group.state()
    every: dict[str, float] = {
        "GroupMinSize": state.minimum,
        "GroupMaxSize": state.maximum,
        "GroupDesiredCapacity": state.desired,
        "GroupInServiceInstances": state.in_service,
        "GroupPendingInstances": state.pending,
        "GroupStandbyInstances": 0,
        "GroupTerminatingInstances": state.terminating,
        "GroupTotalInstances": state.in_service + state.pending + state.terminating,
    }
    wanted = group.config.metrics
    return {name: value for name, value in every.items() if name in wanted}
