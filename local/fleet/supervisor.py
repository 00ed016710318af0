"""The part of the engine that plays EC2 Auto Scaling: all groups, several times a second.

Groups appear and go with the records of the emulated service, however these were made: by
CloudFormation, by the API, or by a reset of everything. Each minute of AWS time metrics are
sampled, alarms get their states and policies are applied, in this order.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from local.engine_config import EngineConfig
from local.engine_parts import ControlHandler
from local.fleet.activities import Activities
from local.fleet.alarm_watch import AlarmWatch
from local.fleet.clock import MINUTE, AwsClock
from local.fleet.control_door import FleetControls
from local.fleet.deployed_group import DeployedGroup, DeployedGroupError
from local.fleet.emulated_ec2 import EmulatedEc2
from local.fleet.events import EventLog
from local.fleet.group import Group
from local.fleet.group_metrics import group_metrics
from local.fleet.instance import Instance
from local.fleet.machine import MachineRoom
from local.fleet.periods import PeriodStore
from local.fleet.policy_watch import PolicyWatch
from local.queue_metrics import QueueMetrics

logger = logging.getLogger("groundwork.fleet")
LONGEST_TICK_SECONDS = 0.2
SHORTEST_TICK_SECONDS = 0.02
TICKS_PER_MINUTE = 5
# A machine that was slow for long does not get all the minutes that it missed.
MOST_MINUTES_AT_ONCE = 15
EVENTS_FILE = "fleet-events.jsonl"
# Metric samples lie just inside the minute that begins.
INSIDE_SECONDS = 1.0
POWER_OFF_SECONDS = 10.0
# Programs on instances run in real time, however fast AWS time goes.
PATIENCE_SECONDS = 120.0


class Supervisor:
    """All Auto Scaling groups of the engine's account and region."""

    name = "fleet"

    def __init__(self, config: EngineConfig) -> None:
        self.clock = AwsClock(scale=config.time_scale)
        self.events = EventLog(clock=self.clock, path=config.state_directory / EVENTS_FILE)
        self.activities = Activities()
        self.groups: dict[str, Group] = {}
        self._region = config.region
        self._room = MachineRoom(
            directory=config.state_directory / "fleet",
            endpoint=config.endpoint,
            vcpus=config.vcpus,
        )
        self._deployed: dict[str, DeployedGroup] = {}
        self._ec2: dict[str, EmulatedEc2] = {}
        self._refused: dict[str, str] = {}
        self._store = PeriodStore(self.clock)
        self._queues = QueueMetrics(self.clock.at)
        self._alarms = AlarmWatch(self.events)
        self._policies = PolicyWatch(self._alarms)
        self._minute = math.floor(self.clock.now() / MINUTE)
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leftovers: list[Instance] = []
        self._ticked: list[asyncio.Future[None]] = []

    # A part of the engine

    async def start(self) -> None:
        """Begin to work."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())

    async def stop(self) -> None:
        """Pull every plug; returns when nothing runs any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        running = [
            instance for group in self.groups.values() for instance in group.instances.values()
        ] + self._leftovers
        for instance in running:
            if instance.machine is not None:
                instance.machine.kill()
        deadline = asyncio.get_running_loop().time() + POWER_OFF_SECONDS
        while any(each.machine is not None and not each.machine.ended for each in running):
            if asyncio.get_running_loop().time() > deadline:
                logger.error("some instances did not end")
                return
            await asyncio.sleep(0.02)

    def status(self) -> Mapping[str, Any]:
        """The groups in short."""
        return {
            name: {
                "desired": group.config.desired,
                "instances": {each.instance_id: each.state for each in group.instances.values()},
            }
            for name, group in self.groups.items()
        } | {name: {"refused": why} for name, why in self._refused.items()}

    def controls(self) -> Mapping[str, ControlHandler]:
        """What tests and the demo may do."""
        return FleetControls(self).handlers()

    # For handlers that run beside the loop

    def do(self, action: Callable[[], Any]) -> Any:
        """Run something in the engine's loop, from a worker thread; returns its result."""

        async def run() -> Any:
            return action()

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def wait_until(self, reached: Callable[[], bool], *, aws_seconds: float) -> bool:
        """Block a worker thread until something holds after a tick; False when time runs out."""

        async def run() -> bool:
            end, patience = self.clock.now() + aws_seconds, self.clock.wall() + PATIENCE_SECONDS
            while not reached():
                if self.clock.now() > end and self.clock.wall() > patience:
                    return False
                await self._next_tick()
            return True

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _next_tick(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ticked.append(future)
        await future

    # Time

    async def _run(self) -> None:
        while True:
            try:
                self.tick()
            except Exception:
                logger.exception("a tick of the fleet failed")
            waiting, self._ticked = self._ticked, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)
            wanted = MINUTE / self.clock.scale / TICKS_PER_MINUTE
            await asyncio.sleep(max(SHORTEST_TICK_SECONDS, min(LONGEST_TICK_SECONDS, wanted)))

    def tick(self) -> None:
        """Bring everything up to this moment."""
        self.find_groups()
        for name, group in list(self.groups.items()):
            self._tick_group(name, group)
        minute = math.floor(self.clock.now() / MINUTE)
        if minute > self._minute:
            missed = range(max(self._minute, minute - MOST_MINUTES_AT_ONCE) + 1, minute + 1)
            self._minute = minute
            self._sample(missed)
            self._decide(minute * MINUTE)

    def _tick_group(self, name: str, group: Group) -> None:
        ec2 = self._ec2[name]
        try:
            for instance in group.instances.values():
                if instance.machine is not None and ec2.terminated_by_api(instance):
                    instance.machine.power_off()
            before = dict(group.instances)
            group.tick()
        except DeployedGroupError as error:
            self._refuse(name, str(error))
            return
        for instance in (before | group.instances).values():
            ec2.sync(instance)
        self.publish(name)

    def publish(self, name: str) -> None:
        """Tell the emulated service about the group's instances."""
        group, deployed = self.groups[name], self._deployed[name]
        deployed.record["Instances"] = [
            described(instance) for instance in group.instances.values()
        ]

    def refused(self, name: str) -> str:
        """Why a group is not played; empty when it is."""
        return self._refused.get(name, "")

    def find_groups(self) -> None:
        """Take note of groups that came or went."""
        from ministack.services import autoscaling

        records = dict(autoscaling._asgs.items())
        for name in [name for name in self.groups if records.get(name) is not self._record(name)]:
            self._forget(name)
        for name, record in records.items():
            if name not in self.groups:
                self._adopt(name, record)

    def _record(self, name: str) -> dict[str, Any]:
        return self._deployed[name].record

    def _adopt(self, name: str, record: dict[str, Any]) -> None:
        deployed = DeployedGroup(record)
        ec2 = EmulatedEc2(
            group=deployed, room=self._room, region=self._region, on_event=self._machine_event
        )
        try:
            group = Group(
                record=deployed,
                ec2=ec2,
                clock=self.clock,
                events=self.events,
                activities=self.activities,
            )
        except DeployedGroupError as error:
            self._refuse(name, str(error))
            return
        self._refused.pop(name, None)
        self._deployed[name], self._ec2[name], self.groups[name] = deployed, ec2, group

    def _refuse(self, name: str, why: str) -> None:
        if self._refused.get(name) != why:
            self._refused[name] = why
            logger.error("%s", why)

    def _forget(self, name: str) -> None:
        """The record has gone: so do the instances, without hooks, as with ForceDelete."""
        group = self.groups.pop(name)
        self._deployed.pop(name)
        ec2 = self._ec2.pop(name)
        self._policies.forget(name)
        for instance in group.instances.values():
            instance.gone = True
            ec2.sync(instance)
            self._leftovers.append(instance)
            if instance.machine is not None:
                instance.machine.power_off()
        self._leftovers = [
            each for each in self._leftovers if each.machine and not each.machine.ended
        ]

    def _machine_event(self, instance: Instance, kind: str, text: str) -> None:
        if kind != "off":
            self.events.record(
                kind, group=instance.group, instance=instance.instance_id, reason=text
            )

    # Minutes

    def _sample(self, minutes: range) -> None:
        for minute in minutes:
            at = minute * MINUTE + INSIDE_SECONDS
            # Points carry wall-clock moments: whoever queries CloudWatch asks with them.
            self._queues.publish(now=self.clock.wall(), at=self.clock.wall_at(at))
            for name, group in self.groups.items():
                self._store.put(
                    "AWS/AutoScaling",
                    group_metrics(group),
                    dimensions={"AutoScalingGroupName": name},
                    at=at,
                )

    def _decide(self, now: float) -> None:
        read = self._store.reader(now)
        self._alarms.look(read)
        for group in self.groups.values():
            self._policies.look(group, read)


def described(instance: Instance) -> dict[str, Any]:
    """An instance as the API's DescribeAutoScalingGroups shows it."""
    return {
        "InstanceId": instance.instance_id,
        "InstanceType": instance.instance_type,
        "AvailabilityZone": instance.zone,
        "LifecycleState": instance.state,
        "HealthStatus": "Healthy" if instance.healthy else "Unhealthy",
        "LaunchTemplate": {
            "LaunchTemplateId": instance.template.template_id,
            "LaunchTemplateName": instance.template.name,
            "Version": str(instance.template.version),
        },
        "ProtectedFromScaleIn": instance.protected,
    }
