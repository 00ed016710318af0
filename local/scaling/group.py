"""The Auto Scaling group as a scaling policy sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GroupState:
    """Counts of instances at one moment.

    `pending` instances were launched and are not InService; `in_service` ones are, `warming` of
    them for less than the warm-up; `terminating` ones drain. `desired` is what was asked for last.
    """

    minimum: int
    maximum: int
    desired: int
    pending: int = 0
    in_service: int = 0
    warming: int = 0
    terminating: int = 0

    @property
    def warm(self) -> int:
        """Current capacity for scaling out: instances that warm up do not count yet."""
        return self.in_service - self.warming

    @property
    def leaving_too(self) -> int:
        """Current capacity for scaling in: instances that terminate still count."""
        return self.in_service + self.terminating

    @property
    def growing(self) -> bool:
        """A scale-out is under way: instances are to come, start or warm up."""
        return bool(self.pending or self.warming) or self.desired > self.in_service

    def clamped(self, capacity: int) -> int:
        """The capacity within the group's limits."""
        return max(self.minimum, min(self.maximum, capacity))
