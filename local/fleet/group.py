"""One Auto Scaling group at work: launches, health, replacement, scale-in.

`tick` is called a few times a second and does everything that time brings; the other methods are
what the API, EC2 and the scaling policies cause. Nothing here touches processes or the emulated
services: `record` tells and keeps the settings, `ec2` starts machines. Rules and their pages:

- health: an instance that EC2 does not run is unhealthy at the next check, the grace period does
  not protect it; its replacement is launched while it terminates
  (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html);
- capacity rebalancing: the replacement comes first, the instance at risk goes when it is in service
  (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-capacity-rebalancing.html);
- longest life: here one instance at a time, when the group is otherwise at rest
  (https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-max-instance-lifetime.html).
"""

from __future__ import annotations

from local.fleet import instance as states
from local.fleet.activities import Activities
from local.fleet.clock import MINUTE, AwsClock
from local.fleet.events import EventLog
from local.fleet.group_config import Ec2, GroupConfig, GroupRecord
from local.fleet.instance import Instance
from local.fleet.instance_refresh import CANCELLED, InstanceRefresh, RefreshPreferences
from local.fleet.lifecycle import Lifecycle
from local.fleet.placement import place
from local.fleet.termination_policy import choose_victims
from local.scaling.group import GroupState

# From the launch to "running": about 20 s
# (https://www.daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html), and the group looks
# every few seconds.
PENDING_SECONDS = 30.0
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
NOTICE_SECONDS = 120.0
# New launches are spread out when instances end before they are in service.
FAILED_LAUNCH_PAUSE_SECONDS = MINUTE


class GroupError(ValueError):
    """A request that the group refuses; says why, in the words of the API."""


class Group:
    """A group and its instances."""

    def __init__(
        self,
        *,
        record: GroupRecord,
        ec2: Ec2,
        clock: AwsClock,
        events: EventLog,
        activities: Activities,
    ) -> None:
        self._record = record
        self._ec2 = ec2
        self._clock = clock
        self._events = events
        self._activities = activities
        self._cause = "at the start of the group"
        self._next_health_check = clock.now() + MINUTE
        self._no_launch_before = 0.0
        self.name = record.config().name
        self.instances: dict[str, Instance] = {}
        self.refreshes: list[InstanceRefresh] = []
        self._life = Lifecycle(
            config=record.config,
            instances=self.instances,
            clock=clock,
            events=events,
            activities=activities,
            launch_failed=self._pause_launches,
        )

    # What happened, for those who ask

    @property
    def config(self) -> GroupConfig:
        """The settings now."""
        return self._record.config()

    def state(self) -> GroupState:
        """The counts that scaling policies look at."""
        config, now = self.config, self._clock.now()
        every = list(self.instances.values())
        return GroupState(
            minimum=config.minimum,
            maximum=config.maximum,
            desired=config.desired,
            pending=sum(each.state.startswith(states.PENDING) for each in every),
            in_service=sum(each.in_service for each in every),
            warming=sum(
                each.in_service and not each.warm(now, config.warmup_seconds) for each in every
            ),
            terminating=sum(each.leaving for each in every),
        )

    @property
    def refresh(self) -> InstanceRefresh | None:
        """The instance refresh under way."""
        return next((each for each in self.refreshes if each.active), None)

    def find(self, instance_id: str) -> Instance:
        """The instance of this id. Raises GroupError."""
        if instance_id not in self.instances:
            raise GroupError(
                f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
            )
        return self.instances[instance_id]

    # What others cause

    def set_desired(self, capacity: int, *, cause: str) -> None:
        """Change the desired capacity. Raises GroupError outside of the limits."""
        config = self.config
        if not config.minimum <= capacity <= config.maximum:
            side, limit = (
                ("below min", config.minimum)
                if capacity < config.minimum
                else ("above max", config.maximum)
            )
            raise GroupError(
                f"New SetDesiredCapacity value {capacity} is {side} value {limit} "
                "for the AutoScalingGroup."
            )
        if capacity != config.desired:
            self._record.set_desired(capacity)
            self._cause = cause
            self._note("capacity", reason=f"{config.desired} -> {capacity}: {cause}")

    def terminate(self, instance_id: str, *, decrement: bool, cause: str) -> str:
        """End one instance; returns the activity's id. Raises GroupError."""
        instance, config = self.find(instance_id), self.config
        if decrement and not instance.leaving:
            if config.desired <= config.minimum:
                raise GroupError(
                    f"Currently, desiredSize equals minSize ({config.minimum}). Terminating "
                    f"instance without replacement will violate group's min size constraint."
                )
            self.set_desired(config.desired - 1, cause=cause)
        self._life.terminate(instance, cause)
        return instance.activity

    def set_health(self, instance_id: str, *, healthy: bool, respect_grace: bool) -> None:
        """SetInstanceHealth: an unhealthy instance goes at the next check. Raises GroupError."""
        instance = self.find(instance_id)
        since = instance.in_service_at
        young = since is None or self._clock.now() - since < self.config.grace_seconds
        if not healthy and respect_grace and young:
            return
        instance.healthy = healthy
        instance.unhealthy_reason = "" if healthy else "it was reported unhealthy"
        if not healthy:
            self._note("unhealthy", instance, instance.unhealthy_reason)

    def protect(self, instance_id: str, *, protected: bool) -> None:
        """SetInstanceProtection. Raises GroupError."""
        self.find(instance_id).protected = protected

    def complete(self, instance_id: str, *, hook: str, token: str, result: str) -> None:
        """CompleteLifecycleAction. Raises GroupError, NoLifecycleActionError."""
        self._life.complete(self._waiting(instance_id, token), hook, token, result)

    def heartbeat(self, instance_id: str, *, hook: str, token: str) -> None:
        """RecordLifecycleActionHeartbeat. Raises GroupError, NoLifecycleActionError."""
        self._life.heartbeat(self._waiting(instance_id, token), hook, token)

    def recommend_rebalance(self, instance_id: str) -> None:
        """EC2 sees a higher risk of interruption for a spot instance. Raises GroupError."""
        instance = self.find(instance_id)
        if instance.market != states.SPOT:
            raise GroupError(f"{instance_id} is not a spot instance: nothing to rebalance")
        if not instance.at_risk:
            instance.at_risk_since = self._clock.wall()
            self._note("rebalance-recommendation", instance)

    def interrupt(self, instance_id: str, *, notice_seconds: float = NOTICE_SECONDS) -> None:
        """EC2 takes a spot instance back after the notice. Raises GroupError.

        A rebalance recommendation comes with the notice, if none came before
        (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html).
        """
        self.recommend_rebalance(instance_id)
        instance = self.find(instance_id)
        if instance.interrupted_at is None:
            seconds = notice_seconds / self._clock.notice_scale
            instance.interrupted_at = self._clock.wall() + seconds
            self._note("spot-notice", instance, f"ends in {seconds:.1f} s")

    def kill(self, instance_id: str) -> None:
        """The instance dies without a word, as its host does. Raises GroupError."""
        instance = self.find(instance_id)
        self._note("killed", instance)
        if instance.machine is not None:
            instance.machine.kill()

    def start_refresh(self, preferences: RefreshPreferences) -> InstanceRefresh:
        """Begin to replace all instances. Raises GroupError while another one runs."""
        if self.refresh is not None:
            raise GroupError(
                "An Instance Refresh is already in progress and blocks the execution "
                "of this Instance Refresh."
            )
        refresh = InstanceRefresh(
            group=self.name,
            preferences=preferences,
            started=self._clock.now(),
            begun=self._clock.wall(),
            target=self.config.template,
        )
        refresh.take_stock(list(self.instances.values()))
        self.refreshes.insert(0, refresh)
        self._note("refresh-started", reason=f"{refresh.total} instances to replace")
        self._follow_refresh(self.config)
        return refresh

    def cancel_refresh(self) -> InstanceRefresh:
        """Stop replacing; what was replaced stays. Raises GroupError."""
        refresh = self.refresh
        if refresh is None:
            raise GroupError(f"No active Instance Refresh for Auto Scaling group {self.name}")
        self._end_refresh(refresh, CANCELLED)
        return refresh

    # What time brings

    def tick(self) -> None:
        """Do what is due."""
        for instance in list(self.instances.values()):
            self._life.expire_waits(instance)
        self._take_back_interrupted()
        self._move_on()
        config = self.config
        if self._clock.now() >= self._next_health_check:
            self._next_health_check = self._clock.now() + MINUTE
            self._check_health(config)
        self._follow_refresh(config)
        self._replace_at_risk(config)
        self._fit(config)

    def _take_back_interrupted(self) -> None:
        for instance in self.instances.values():
            if instance.interrupted_at is None or instance.gone:
                continue
            if self._clock.wall() >= instance.interrupted_at:
                instance.gone = True
                self._note("interrupted", instance)
                if instance.machine is not None:
                    instance.machine.kill()

    def _move_on(self) -> None:
        now = self._clock.now()
        for instance in list(self.instances.values()):
            ended = instance.machine is not None and instance.machine.ended
            instance.gone = instance.gone or ended
            if instance.state == states.TERMINATING_PROCEED and ended:
                self._life.terminated(instance)
            elif (
                instance.state == states.PENDING
                and not instance.gone
                and now - instance.launched_at >= PENDING_SECONDS
            ):
                self._life.running(instance)

    def _check_health(self, config: GroupConfig) -> None:
        for instance in list(self.instances.values()):
            if instance.leaving:
                continue
            if instance.gone and instance.healthy:
                instance.healthy = False
                instance.unhealthy_reason = "EC2 does not run it"
                self._note("unhealthy", instance, instance.unhealthy_reason)
            if not instance.healthy:
                if instance.in_service_at is None:
                    self._pause_launches()
                self._life.terminate(
                    instance, f"a health check found that {instance.unhealthy_reason}"
                )
        self._end_oldest(config)

    def _pause_launches(self) -> None:
        self._no_launch_before = self._clock.now() + FAILED_LAUNCH_PAUSE_SECONDS

    def _end_oldest(self, config: GroupConfig) -> None:
        if not all(each.in_service for each in self.instances.values()):
            return
        now = self._clock.now()
        old = [
            each
            for each in self.instances.values()
            if now - each.launched_at >= config.longest_life_seconds
        ]
        if old:
            oldest = min(old, key=lambda each: (each.launched_at, each.instance_id))
            self._life.terminate(oldest, "it has reached the maximum instance lifetime")

    def _follow_refresh(self, config: GroupConfig) -> None:
        refresh = self.refresh
        if refresh is None:
            return
        instances, now = list(self.instances.values()), self._clock.now()
        for victim in refresh.next_victims(instances, config, now):
            self._life.terminate(victim, "an instance refresh replaces it")
        refresh.settle(list(self.instances.values()), config, now)
        if not refresh.active:
            self._end_refresh(refresh, refresh.status)

    def _end_refresh(self, refresh: InstanceRefresh, status: str) -> None:
        refresh.status = status
        refresh.ended = self._clock.wall()
        self._note("refresh-ended", reason=status)

    def _at_risk(self, config: GroupConfig) -> list[Instance]:
        if not config.capacity_rebalance:
            return []
        return [each for each in self.instances.values() if each.at_risk and not each.leaving]

    def _replace_at_risk(self, config: GroupConfig) -> None:
        at_risk = self._at_risk(config)
        sound = sum(
            each.in_service and each.healthy and not each.at_risk
            for each in self.instances.values()
        )
        replaced = max(0, sound + len(at_risk) - config.desired)
        for instance in at_risk[:replaced]:
            self._life.terminate(instance, "capacity rebalancing replaced it")

    def _fit(self, config: GroupConfig) -> None:
        """Launch or terminate until the group has what it wants."""
        staying = [each for each in self.instances.values() if not each.leaving]
        refresh = self.refresh
        at_risk = [each for each in self._at_risk(config) if not each.gone]
        wanted = config.desired + min(len(at_risk), config.replacement_room)
        if refresh is not None:
            wanted += refresh.extra(config)
        if len(staying) > wanted:
            self._scale_in(len(staying) - wanted, config)
        elif self._clock.now() >= self._no_launch_before:
            for _ in range(wanted - len(staying)):
                self._launch(config)

    def _scale_in(self, count: int, config: GroupConfig) -> None:
        # What does not work goes first; which of those that do is the termination policies' matter.
        broken = [
            each
            for each in self.instances.values()
            if not each.leaving and (each.gone or not each.healthy)
        ][:count]
        for instance in broken:
            self._life.terminate(instance, self._cause)
        victims = choose_victims(
            list(self.instances.values()),
            count - len(broken),
            policies=config.termination_policies,
            now=self._clock.now(),
        )
        for victim in victims:
            self._life.terminate(victim, self._cause)

    def _launch(self, config: GroupConfig) -> None:
        at = place(
            list(self.instances.values()),
            zones=config.zones,
            instance_types=config.instance_types,
            distribution=config.distribution,
        )
        identifier = self._ec2.new_id()
        instance = Instance(
            instance_id=identifier,
            group=self.name,
            zone=at.zone,
            instance_type=at.instance_type,
            market=at.market,
            template=config.template,
            launched_at=self._clock.now(),
            protected=config.new_instances_protected,
            activity=self._activities.begin(
                group=self.name,
                description=f"Launching a new EC2 instance: {identifier}",
                cause=self._cause,
                wall=self._clock.wall(),
            ),
        )
        self.instances[identifier] = instance
        self._note("launching", instance, f"{at.market} {at.instance_type} in {at.zone}")
        self._ec2.launch(instance)

    def _waiting(self, instance_id: str, token: str) -> Instance:
        if instance_id:
            return self.find(instance_id)
        for instance in self.instances.values():
            if any(wait.token == token for wait in instance.waits):
                return instance
        raise GroupError("No active Lifecycle Action found with token " + token)

    def _note(self, kind: str, instance: Instance | None = None, reason: str = "") -> None:
        identifier = "" if instance is None else instance.instance_id
        self._events.record(kind, group=self.name, instance=identifier, reason=reason)
