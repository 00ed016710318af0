"""Settings of the fleet stack: what the groups of settings mean together."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from stacks.settings_fleet_instances import InstanceSettings
from stacks.settings_fleet_messages import MessageSettings
from stacks.settings_fleet_operation import OperationSettings
from stacks.settings_fleet_worker import WorkerSettings

# From the end of a drain to systemd's SIGKILL, and from there to the end of the lifecycle hook.
STOP_MARGIN_SECONDS = 15
HOOK_MARGIN_SECONDS = 60
# vCPUs per instance size, the same in all Graviton families that we accept.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/co.html
VCPUS_BY_SIZE = {
    "medium": 1,
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
}
GRAVITON_TYPE = re.compile(r"[cmr][6-9]g[a-z]*\.([a-z0-9]+)")


class FleetSettings(OperationSettings, WorkerSettings, MessageSettings, InstanceSettings):
    """The queue, the Auto Scaling group that drains it, its worker program and its alarms."""

    @property
    def vcpus(self) -> int:
        """Virtual CPUs of one instance."""
        return VCPUS_BY_SIZE[self.instance_types[0].split(".")[1]]

    @property
    def concurrency(self) -> int:
        """Messages that one instance works on at a time."""
        return max(1, round(self.vcpus * self.processes_per_vcpu)) * self.threads_per_process

    @property
    def target_backlog_per_instance(self) -> float:
        """Messages per instance that are worked off within the acceptable latency.

        The acceptable backlog of
        https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html
        """
        rate = self.concurrency / self.seconds_per_message
        return round(self.acceptable_latency_seconds * rate, 3)

    @property
    def anticipated_seconds(self) -> float:
        """How much of the future's arrivals counts as backlog."""
        return self.acceptable_latency_seconds * self.anticipated_share

    @property
    def stop_seconds(self) -> int:
        """When systemd kills what is left after SIGTERM."""
        return self.drain_seconds + STOP_MARGIN_SECONDS

    @property
    def hook_seconds(self) -> int:
        """Heartbeat timeout of the termination hook: the drain, its end and its report fit in."""
        return max(30, self.stop_seconds + HOOK_MARGIN_SECONDS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._size_problems(), *self._time_problems(), *self._report_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _size_problems(self) -> list[str]:
        problems = []
        if self.min_instances > self.max_instances:
            problems.append(
                f"min_instances ({self.min_instances}) exceeds max_instances "
                f"({self.max_instances}): lower the first or raise the second"
            )
        if self.on_demand_base > self.max_instances:
            problems.append(
                f"on_demand_base ({self.on_demand_base}) exceeds max_instances "
                f"({self.max_instances}): lower the first or raise the second"
            )
        matches = {name: GRAVITON_TYPE.fullmatch(name) for name in self.instance_types}
        foreign = [
            name
            for name, match in matches.items()
            if match is None or match.group(1) not in VCPUS_BY_SIZE
        ]
        if foreign:
            problems.append(
                f"instance_types: {', '.join(foreign)} not of a Graviton family c, m or r "
                f"(such as c7g) with a size of {', '.join(VCPUS_BY_SIZE)}"
            )
        elif len({name.split(".")[1] for name in self.instance_types}) > 1:
            problems.append(
                f"instance_types ({', '.join(self.instance_types)}) differ in size: the backlog "
                "per instance means something only when instances are alike; name several "
                "families of one size"
            )
        return problems

    def _report_problems(self) -> list[str]:
        if self.no_worker_alarm_minutes * 60 >= 2 * self.metrics_interval_seconds:
            return []
        return [
            f"no_worker_alarm_minutes ({self.no_worker_alarm_minutes}) is less than two of "
            f"metrics_interval_seconds ({self.metrics_interval_seconds}): workers that are well "
            "would alarm between their reports; raise the first or lower the second"
        ]

    def _time_problems(self) -> list[str]:
        return [
            f"{shorter} ({getattr(self, shorter)}) exceeds {longer} ({getattr(self, longer)}): "
            f"{reason}"
            for shorter, longer, reason in (
                (
                    "visibility_timeout_seconds",
                    "max_extension_seconds",
                    "a lease would have to end before its first visibility timeout",
                ),
                (
                    "drain_seconds",
                    "max_extension_seconds",
                    "leases could end while the instance drains; raise max_extension_seconds",
                ),
                (
                    "backoff_base_seconds",
                    "backoff_cap_seconds",
                    "the first delay cannot be longer than the longest",
                ),
                (
                    "backoff_cap_seconds",
                    "max_extension_seconds",
                    "a delay is a visibility timeout too",
                ),
            )
            if getattr(self, shorter) > getattr(self, longer)
        ]
