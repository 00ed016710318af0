"""An instance as its Auto Scaling group sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

PENDING = "Pending"
PENDING_WAIT = "Pending:Wait"
IN_SERVICE = "InService"
TERMINATING = "Terminating"
TERMINATING_WAIT = "Terminating:Wait"
TERMINATING_PROCEED = "Terminating:Proceed"
TERMINATED = "Terminated"

SPOT = "spot"
ON_DEMAND = "on-demand"


class Power(Protocol):
    """What a group asks of the machine behind an instance."""

    @property
    def ended(self) -> bool:
        """Whether it is off."""

    @property
    def pids(self) -> list[int]:
        """The processes at its top, while it runs."""

    def start(self) -> None:
        """Power on."""

    def power_off(self) -> None:
        """Shut down in order."""

    def kill(self) -> None:
        """Pull the plug."""


@dataclass(frozen=True, kw_only=True)
class TemplateVersion:
    """The launch template version that an instance was made of."""

    template_id: str
    name: str
    version: int


@dataclass(kw_only=True)
class HookWait:
    """A lifecycle action under way. `deadline` and `longest` are wall-clock moments.

    A heartbeat moves the deadline by the hook's time-out; 48 hours or 100 time-outs are the end,
    whichever is earlier
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html#lifecycle-hook-considerations).
    """

    name: str
    default_result: str
    timeout: float
    deadline: float
    longest: float
    token: str


@dataclass(kw_only=True)
class Instance:
    """One instance. `launched_at`, `in_service_at` are AWS time, the other moments wall time.

    `gone` says that EC2 has ended it; the group may still wait for a lifecycle action.
    """

    instance_id: str
    group: str
    zone: str
    instance_type: str
    market: str
    template: TemplateVersion
    launched_at: float
    state: str = PENDING
    healthy: bool = True
    protected: bool = False
    in_service_at: float | None = None
    at_risk_since: float | None = None
    interrupted_at: float | None = None
    unhealthy_reason: str = ""
    gone: bool = False
    activity: str = ""
    waits: list[HookWait] = field(default_factory=list)
    machine: Power | None = None

    @property
    def leaving(self) -> bool:
        """On its way out of the group."""
        return self.state.startswith(TERMINATING) or self.state == TERMINATED

    @property
    def in_service(self) -> bool:
        """Counted as capacity."""
        return self.state == IN_SERVICE

    @property
    def at_risk(self) -> bool:
        """EC2 has recommended to rebalance it."""
        return self.at_risk_since is not None

    @property
    def target_state(self) -> str:
        """What the metadata item autoscaling/target-lifecycle-state says.

        https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
        """
        return TERMINATED if self.leaving else IN_SERVICE

    def warm(self, now: float, warmup_seconds: float) -> bool:
        """In service for at least the warm-up."""
        return self.in_service_at is not None and now - self.in_service_at >= warmup_seconds
