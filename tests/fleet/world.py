"""A group on a clock that stands still until it is moved, with machines that only pretend."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from local.fleet.activities import Activities
from local.fleet.clock import AwsClock
from local.fleet.events import EventLog
from local.fleet.group import Group
from local.fleet.group_config import TERMINATING, GroupConfig, HookSpec
from local.fleet.instance import Instance, TemplateVersion

START = 1_700_000_000.0
SECOND_TEMPLATE = TemplateVersion(template_id="lt-1", name="worker", version=2)
CONFIG = GroupConfig(
    name="workers",
    minimum=0,
    maximum=10,
    desired=0,
    zones=("eu-west-1a", "eu-west-1b"),
    template=TemplateVersion(template_id="lt-1", name="worker", version=1),
    instance_types=("c7g.medium", "c6g.medium"),
    distribution={"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0},
    warmup_seconds=120.0,
    grace_seconds=120.0,
)
DRAIN = HookSpec(name="drain", transition=TERMINATING, timeout=165.0, default_result="CONTINUE")


@dataclass
class Machine:
    """On from the start; off as soon as it is told, unless it `lingers`."""

    lingers: bool = False
    ended: bool = False
    told: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)

    def start(self) -> None:
        self.told.append("start")

    def power_off(self) -> None:
        self.told.append("power-off")
        self.ended = self.ended or not self.lingers

    def kill(self) -> None:
        self.told.append("kill")
        self.ended = True


class Ec2:
    def __init__(self) -> None:
        self.count = 0
        self.broken = False

    def new_id(self) -> str:
        self.count += 1
        return f"i-{self.count:017x}"

    def launch(self, instance: Instance) -> None:
        instance.machine = Machine(ended=self.broken)


class Record:
    def __init__(self, config: GroupConfig) -> None:
        self.now = config

    def config(self) -> GroupConfig:
        return self.now

    def set_desired(self, capacity: int) -> None:
        self.now = replace(self.now, desired=capacity)


class World:
    """`pass_time` moves the clock and ticks on the way, as the supervisor does."""

    def __init__(self, *, scale: float = 1.0, **config: object) -> None:
        self.wall = START
        self.clock = AwsClock(scale=scale, wall=lambda: self.wall)
        self.record = Record(replace(CONFIG, **config))  # type: ignore[arg-type]
        self.ec2 = Ec2()
        self.events = EventLog(clock=self.clock)
        self.activities = Activities()
        self.group = Group(
            record=self.record,
            ec2=self.ec2,
            clock=self.clock,
            events=self.events,
            activities=self.activities,
        )

    def pass_time(self, aws_seconds: float, *, step: float = 5.0) -> None:
        self.group.tick()
        end = self.clock.now() + aws_seconds
        while self.clock.now() < end - 1e-3:
            self.wall += min(step, end - self.clock.now()) / self.clock.scale
            self.group.tick()

    def change(self, **config: object) -> None:
        self.record.now = replace(self.record.now, **config)  # type: ignore[arg-type]

    def grow(self, capacity: int) -> list[Instance]:
        """That many instances, in service and warm."""
        self.group.set_desired(capacity, cause="the test")
        self.pass_time(200)
        assert self.group.state().in_service == capacity
        return self.instances

    @property
    def instances(self) -> list[Instance]:
        return list(self.group.instances.values())

    def states(self) -> list[str]:
        return sorted(each.state for each in self.instances)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events.since()]

    def machine(self, instance: Instance) -> Machine:
        assert isinstance(instance.machine, Machine)
        return instance.machine
