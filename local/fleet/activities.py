"""The group's scaling activities, newest first, as DescribeScalingActivities tells them.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html ; kept for the newest
thousand, which is more than a run shows; AWS keeps six weeks.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass

KEPT = 1000
IN_PROGRESS = "InProgress"
WAITING = "WaitingForTerminateAction"
SUCCESSFUL = "Successful"
FAILED = "Failed"
CANCELLED = "Cancelled"


@dataclass(kw_only=True)
class Activity:
    """One activity; times are wall-clock moments."""

    activity_id: str
    group: str
    description: str
    cause: str
    start: float
    status: str = IN_PROGRESS
    message: str = ""
    end: float | None = None

    @property
    def progress(self) -> int:
        """Percent."""
        return 100 if self.end is not None else 50


class Activities:
    """Activities of all groups."""

    def __init__(self) -> None:
        self._all: OrderedDict[str, Activity] = OrderedDict()

    def begin(self, *, group: str, description: str, cause: str, wall: float) -> str:
        """Start one; returns its id."""
        identifier = str(uuid.uuid4())
        self._all[identifier] = Activity(
            activity_id=identifier, group=group, description=description, cause=cause, start=wall
        )
        while len(self._all) > KEPT:
            self._all.popitem(last=False)
        return identifier

    def mark(self, identifier: str, status: str) -> None:
        """Change the status of one under way."""
        if identifier in self._all:
            self._all[identifier].status = status

    def end(self, identifier: str, *, wall: float, status: str = SUCCESSFUL, why: str = "") -> None:
        """It has ended."""
        activity = self._all.get(identifier)
        if activity is not None and activity.end is None:
            activity.end, activity.status, activity.message = wall, status, why

    def of(self, group: str) -> list[Activity]:
        """The group's, newest first."""
        return [each for each in reversed(self._all.values()) if each.group == group]
