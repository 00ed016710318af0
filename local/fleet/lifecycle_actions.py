"""Lifecycle actions of one instance: begin to wait, prolong, complete, run out of time.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html : with several
hooks the instance moves on when all are completed; the first ABANDON of a launch ends the others.
CONTINUE and ABANDON end a termination alike, but ABANDON cuts the remaining hooks short.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from local.fleet.group_config import HookSpec
from local.fleet.instance import HookWait, Instance

CONTINUE = "CONTINUE"
ABANDON = "ABANDON"
LONGEST_WAIT_SECONDS = 48 * 3600.0
LONGEST_WAIT_TIMEOUTS = 100


class NoLifecycleActionError(LookupError):
    """Nothing waits under this hook's name or token."""


def begin(instance: Instance, hooks: Sequence[HookSpec], *, wall: float, scale: float) -> None:
    """Start one action per hook. `scale` is how many times faster than AWS the time-outs run."""
    instance.waits = [
        HookWait(
            name=hook.name,
            default_result=hook.default_result,
            timeout=hook.timeout / scale,
            deadline=wall + hook.timeout / scale,
            longest=wall + min(LONGEST_WAIT_SECONDS, LONGEST_WAIT_TIMEOUTS * hook.timeout) / scale,
            token=secrets.token_hex(16),
        )
        for hook in hooks
    ]


def heartbeat(instance: Instance, *, hook: str, token: str = "", wall: float) -> None:
    """Wait for another time-out from now on. Raises NoLifecycleActionError."""
    wait = _find(instance, hook, token)
    wait.deadline = min(wall + wait.timeout, wait.longest)


def complete(instance: Instance, *, hook: str, token: str = "", result: str) -> None:
    """End one action, or with ABANDON all of them. Raises NoLifecycleActionError."""
    wait = _find(instance, hook, token)
    instance.waits.remove(wait)
    if result == ABANDON:
        instance.waits.clear()


def run_out(instance: Instance, *, wall: float) -> list[HookWait]:
    """End the actions whose time is up; returns them."""
    late = [wait for wait in instance.waits if wall >= wait.deadline]
    for wait in late:
        if wait in instance.waits:
            instance.waits.remove(wait)
            if wait.default_result == ABANDON:
                instance.waits.clear()
    return late


def _find(instance: Instance, hook: str, token: str) -> HookWait:
    for wait in instance.waits:
        if wait.name == hook and token in ("", wait.token):
            return wait
    raise NoLifecycleActionError(
        f"No active Lifecycle Action found with instance ID {instance.instance_id}"
    )
