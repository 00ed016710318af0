"""Replace a group's instances by instances of its present launch template, a few at a time.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html : new instances
are made within the minimum and maximum healthy percentage of the desired capacity, the minimum
rounded up; an instance counts once it is in service and has warmed up. Where both roundings leave
no room in a small group, one instance at a time is launched first when the maximum is above 100,
and ended first when it is not; how AWS rounds there is not documented. Instances that are protected
from scale-in are left alone, and a refresh that makes no progress for an hour fails.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from local.fleet.group_config import GroupConfig
from local.fleet.instance import Instance, TemplateVersion

STALLED_SECONDS = 3600.0
IN_PROGRESS = "InProgress"
SUCCESSFUL = "Successful"
FAILED = "Failed"
CANCELLED = "Cancelled"


@dataclass(frozen=True, kw_only=True)
class RefreshPreferences:
    """How to replace; `warmup_seconds` None takes the group's. Percentages of desired capacity."""

    minimum_percent: int = 90
    maximum_percent: int = 100
    warmup_seconds: float | None = None
    skip_matching: bool = False
    bake_seconds: float = 0.0


@dataclass(kw_only=True)
class InstanceRefresh:
    """One refresh. `started` and `moved` are AWS time, `begun` and `ended` wall time."""

    group: str
    preferences: RefreshPreferences
    started: float
    begun: float
    target: TemplateVersion
    old: set[str] = field(default_factory=set)
    draining: set[str] = field(default_factory=set)
    total: int = 0
    status: str = IN_PROGRESS
    reason: str = ""
    ended: float | None = None
    moved: float = 0.0
    baking_since: float | None = None
    refresh_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def active(self) -> bool:
        """Not over yet."""
        return self.status == IN_PROGRESS

    @property
    def percent(self) -> int:
        """How much of the group has been replaced."""
        if self.status == SUCCESSFUL or not self.total:
            return 100
        return math.floor(100 * (self.total - len(self.old)) / self.total)

    def take_stock(self, instances: Sequence[Instance]) -> None:
        """Note at the start which instances have to go."""
        self.old = {
            each.instance_id
            for each in instances
            if not each.leaving
            and not each.protected
            and not (self.preferences.skip_matching and each.template == self.target)
        }
        self.total = len(self.old)
        self.moved = self.started

    def extra(self, config: GroupConfig) -> int:
        """Instances to have beyond the desired capacity at this moment."""
        if not self.old:
            return 0
        most = math.floor(config.desired * self.preferences.maximum_percent / 100) - config.desired
        if most == 0 and self.preferences.maximum_percent > 100:
            most = 1
        return min(most, len(self.old))

    def next_victims(
        self, instances: Sequence[Instance], config: GroupConfig, now: float
    ) -> list[Instance]:
        """The old instances that may go now, which from here on counts as done."""
        staying = [each for each in instances if not each.leaving]
        before = len(self.old)
        self.old &= {each.instance_id for each in staying}
        if len(self.old) < before:
            self.moved = now
        if not self.old:
            return []
        warmup = self.preferences.warmup_seconds
        warmup = config.warmup_seconds if warmup is None else warmup
        useful = [
            each
            for each in staying
            if each.in_service
            and each.healthy
            and (each.instance_id in self.old or each.warm(now, warmup))
        ]
        fewest = math.ceil(config.desired * self.preferences.minimum_percent / 100)
        room = len(useful) - fewest
        if room <= 0 and self.extra(config) == 0 and len(useful) >= config.desired:
            room = 1
        old = sorted(
            (each for each in staying if each.instance_id in self.old),
            key=lambda each: (each.in_service, each.launched_at, each.instance_id),
        )
        # What is not useful yet can go without asking; of the rest, as many as there is room for.
        idle = [each for each in old if each not in useful]
        victims = idle + [each for each in old if each in useful][: max(0, room)]
        if victims:
            self.draining |= {each.instance_id for each in victims}
            self.old -= self.draining
            self.moved = now
        return victims

    def settle(self, instances: Sequence[Instance], config: GroupConfig, now: float) -> None:
        """End when all is replaced, drained and warm, or when nothing has moved for too long."""
        warmup = self.preferences.warmup_seconds
        warmup = config.warmup_seconds if warmup is None else warmup
        warm = sum(
            each.in_service and each.healthy and each.warm(now, warmup)
            for each in instances
            if not each.leaving
        )
        self.draining &= {each.instance_id for each in instances}
        done = not self.old and not self.draining
        if done and (warm >= config.desired or not self.total):
            self.baking_since = now if self.baking_since is None else self.baking_since
            if now - self.baking_since >= self.preferences.bake_seconds:
                self.status, self.reason = SUCCESSFUL, ""
        elif now - self.moved > STALLED_SECONDS:
            self.status = FAILED
            self.reason = "no new instance became healthy within an hour"
