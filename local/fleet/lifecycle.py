"""The states of a group's instances and the ways between them, lifecycle hooks included.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

from collections.abc import Callable

from local.fleet import activities as activity
from local.fleet import instance as states
from local.fleet import lifecycle_actions as actions
from local.fleet.activities import Activities
from local.fleet.clock import AwsClock
from local.fleet.events import EventLog
from local.fleet.group_config import LAUNCHING, TERMINATING, GroupConfig, HookSpec
from local.fleet.instance import Instance


class Lifecycle:
    """Moves instances of one group on; `instances` loses those that are terminated."""

    def __init__(
        self,
        *,
        config: Callable[[], GroupConfig],
        instances: dict[str, Instance],
        clock: AwsClock,
        events: EventLog,
        activities: Activities,
        launch_failed: Callable[[], None],
    ) -> None:
        self._config = config
        self._instances = instances
        self._clock = clock
        self._events = events
        self._activities = activities
        self._launch_failed = launch_failed

    def running(self, instance: Instance) -> None:
        """EC2 runs it: into service, or to the launch hooks first."""
        hooks = self._config().hooks_for(LAUNCHING)
        if hooks:
            self._wait(instance, hooks, states.PENDING_WAIT)
        else:
            self._in_service(instance)

    def terminate(self, instance: Instance, cause: str) -> None:
        """Send it on its way out, unless it is already."""
        if instance.leaving:
            return
        wall = self._clock.wall()
        self._activities.end(instance.activity, wall=wall, status=activity.CANCELLED, why=cause)
        instance.activity = self._activities.begin(
            group=instance.group,
            description=f"Terminating EC2 instance: {instance.instance_id}",
            cause=cause,
            wall=wall,
        )
        instance.waits.clear()
        self._note("terminating", instance, cause)
        hooks = self._config().hooks_for(TERMINATING)
        if hooks:
            self._wait(instance, hooks, states.TERMINATING_WAIT)
            self._activities.mark(instance.activity, activity.WAITING)
        else:
            self._proceed(instance)

    def terminated(self, instance: Instance) -> None:
        """EC2 has ended it."""
        instance.state = states.TERMINATED
        instance.gone = True
        del self._instances[instance.instance_id]
        self._activities.end(instance.activity, wall=self._clock.wall())
        self._note("terminated", instance)

    def complete(self, instance: Instance, hook: str, token: str, result: str) -> None:
        """Somebody has finished a lifecycle action. Raises NoLifecycleActionError."""
        actions.complete(instance, hook=hook, token=token, result=result)
        self._note("hook-completed", instance, f"{hook}: {result}")
        self._go_on(instance, result)

    def heartbeat(self, instance: Instance, hook: str, token: str) -> None:
        """Somebody needs more time for one. Raises NoLifecycleActionError."""
        actions.heartbeat(instance, hook=hook, token=token, wall=self._clock.wall())
        self._note("heartbeat", instance, hook)

    def expire_waits(self, instance: Instance) -> None:
        """End the actions whose time is up."""
        late = actions.run_out(instance, wall=self._clock.wall())
        for wait in late:
            self._note("hook-timed-out", instance, f"{wait.name}: {wait.default_result}")
        if late:
            self._go_on(instance, late[-1].default_result)

    def _in_service(self, instance: Instance) -> None:
        instance.state = states.IN_SERVICE
        instance.in_service_at = self._clock.now()
        self._activities.end(instance.activity, wall=self._clock.wall())
        self._note("in-service", instance)

    def _wait(self, instance: Instance, hooks: tuple[HookSpec, ...], state: str) -> None:
        actions.begin(
            instance,
            hooks,
            wall=self._clock.wall(),
            scale=self._clock.notice_scale,
        )
        instance.state = state
        self._note("hook-wait", instance, ", ".join(wait.name for wait in instance.waits))

    def _go_on(self, instance: Instance, result: str) -> None:
        if instance.waits:
            return
        if instance.state == states.TERMINATING_WAIT:
            self._proceed(instance)
        elif instance.state == states.PENDING_WAIT and result == actions.ABANDON:
            self._launch_failed()
            self.terminate(instance, "its launch was abandoned")
        elif instance.state == states.PENDING_WAIT:
            self._in_service(instance)

    def _proceed(self, instance: Instance) -> None:
        instance.state = states.TERMINATING_PROCEED
        self._activities.mark(instance.activity, activity.IN_PROGRESS)
        if instance.machine is not None:
            instance.machine.power_off()

    def _note(self, kind: str, instance: Instance, reason: str = "") -> None:
        self._events.record(
            kind, group=instance.group, instance=instance.instance_id, reason=reason
        )
