"""What is deployed of an Auto Scaling group, as far as it decides what happens to instances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from local.fleet.instance import Instance, TemplateVersion

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
# The group may exceed its maximum by a tenth of its desired capacity while it replaces instances
# (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-capacity-rebalancing.html).
REPLACEMENT_MARGIN = 0.1


@dataclass(frozen=True, kw_only=True)
class HookSpec:
    """A lifecycle hook of the group."""

    name: str
    transition: str
    timeout: float
    default_result: str


@dataclass(frozen=True, kw_only=True)
class GroupConfig:
    """The group's settings at this moment. Times are AWS seconds."""

    name: str
    minimum: int
    maximum: int
    desired: int
    zones: tuple[str, ...]
    template: TemplateVersion
    instance_types: tuple[str, ...]
    distribution: Mapping[str, Any] = field(default_factory=dict)
    termination_policies: tuple[str, ...] = ("Default",)
    warmup_seconds: float = 300.0
    grace_seconds: float = 300.0
    new_instances_protected: bool = False
    capacity_rebalance: bool = False
    longest_life_seconds: float = math.inf
    hooks: tuple[HookSpec, ...] = ()
    metrics: frozenset[str] = frozenset()

    def hooks_for(self, transition: str) -> tuple[HookSpec, ...]:
        """The hooks of one transition."""
        return tuple(hook for hook in self.hooks if hook.transition == transition)

    @property
    def replacement_room(self) -> int:
        """How many instances may exist beyond the desired capacity while some are replaced."""
        margin = math.ceil(self.desired * REPLACEMENT_MARGIN)
        return max(0, self.maximum + margin - self.desired)


class GroupRecord(Protocol):
    """Where the group's settings are kept: the emulated service, or a test's."""

    def config(self) -> GroupConfig:
        """The settings now."""

    def set_desired(self, capacity: int) -> None:
        """Change the desired capacity."""


class Ec2(Protocol):
    """What starts instances: the emulated EC2, or a test's."""

    def launch(self, instance: Instance) -> None:
        """Start the machine of a new instance and set its `machine`."""

    def new_id(self) -> str:
        """An instance id that nobody has."""
