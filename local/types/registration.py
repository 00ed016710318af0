"""Everything that we add to MiniStack, in one place."""

from __future__ import annotations

from local.types import alarms, flow_logs, machine_images, security_group_rules


def register() -> None:
    """Hook all of it; once per process."""
    for family in (security_group_rules, flow_logs, machine_images, alarms):
        family.register()
