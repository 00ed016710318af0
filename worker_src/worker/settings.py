"""The worker's settings: environment variables that the template writes, read once and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Number = TypeVar("Number", int, float)

LONGEST_LEASE_SECONDS = 43_200
"""SQS ends every visibility timeout after 12 hours in total.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""


class SettingsError(ValueError):
    """One or more environment variables are missing or wrong; the text names each with a remedy."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one worker process needs to know. Durations are in seconds."""

    queue_url: str
    job: str
    processes_per_vcpu: float
    vcpus: int
    threads: int
    visibility_timeout: int
    max_extension: float
    wait_time: int
    drain_seconds: float
    backoff_base: float
    backoff_cap: float
    max_receive_count: int
    metrics_namespace: str
    metrics_interval: float
    lifecycle_hook: str
    group: str
    health_timeout: float
    idempotency_table: str
    jobs_table: str
    region: str

    @property
    def processes(self) -> int:
        """Worker processes on this instance: at least one."""
        return max(1, round(self.vcpus * self.processes_per_vcpu))


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings.

    Raises SettingsError that lists every problem at once: variable, value, allowed range, remedy.
    """
    reader = _Reader(environ)
    settings = Settings(
        queue_url=reader.text("WORKER_QUEUE_URL", remedy="set it to the URL of the SQS queue"),
        job=reader.text("WORKER_JOB", default="worker.jobs.prepare_document"),
        processes_per_vcpu=reader.real("WORKER_PROCESSES_PER_VCPU", 1.0, 0.01, 16),
        vcpus=reader.whole("WORKER_VCPUS", os.cpu_count() or 1, 1, 1024),
        threads=reader.whole("WORKER_THREADS", 8, 1, 256),
        visibility_timeout=reader.whole(
            "WORKER_VISIBILITY_TIMEOUT_SECONDS", 120, 1, LONGEST_LEASE_SECONDS
        ),
        max_extension=reader.real("WORKER_MAX_EXTENSION_SECONDS", 3600, 1, LONGEST_LEASE_SECONDS),
        wait_time=reader.whole("WORKER_WAIT_TIME_SECONDS", 20, 0, 20),
        drain_seconds=reader.real("WORKER_DRAIN_SECONDS", 90, 1, 7200),
        backoff_base=reader.real("WORKER_BACKOFF_BASE_SECONDS", 2, 0, 900),
        backoff_cap=reader.real("WORKER_BACKOFF_CAP_SECONDS", 300, 0, LONGEST_LEASE_SECONDS),
        max_receive_count=reader.whole("WORKER_MAX_RECEIVE_COUNT", 5, 1, 1000),
        metrics_namespace=reader.text("WORKER_METRICS_NAMESPACE", default="Groundwork/Fleet"),
        metrics_interval=reader.real("WORKER_METRICS_INTERVAL_SECONDS", 60, 0.1, 3600),
        lifecycle_hook=reader.text("WORKER_LIFECYCLE_HOOK_NAME", default=""),
        group=reader.text("WORKER_AUTO_SCALING_GROUP_NAME", default=""),
        health_timeout=reader.real("WORKER_HEALTH_TIMEOUT_SECONDS", 300, 1, LONGEST_LEASE_SECONDS),
        idempotency_table=reader.text("WORKER_IDEMPOTENCY_TABLE", default=""),
        jobs_table=reader.text("WORKER_JOBS_TABLE", default=""),
        region=reader.region(),
    )
    reader.check_queue_url(settings.queue_url)
    if settings.max_extension < settings.visibility_timeout:
        reader.problems.append(
            f"WORKER_MAX_EXTENSION_SECONDS={settings.max_extension:g} is less than "
            f"WORKER_VISIBILITY_TIMEOUT_SECONDS={settings.visibility_timeout:g}: raise the first "
            "or lower the second"
        )
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, *, default: str | None = None, remedy: str = "set it") -> str:
        value = self._environ.get(name, "").strip()
        if value:
            return value
        if default is None:
            self.problems.append(f"{name} is not set: {remedy}")
            return ""
        return default

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        return self._number(name, default, low, high, int, "a whole number")

    def real(self, name: str, default: float, low: float, high: float) -> float:
        return self._number(name, default, low, high, float, "a number")

    def region(self) -> str:
        value = self._environ.get("AWS_REGION") or self._environ.get("AWS_DEFAULT_REGION") or ""
        if not value:
            self.problems.append("AWS_REGION is not set: set it to the queue's Region")
        return value

    def check_queue_url(self, url: str) -> None:
        if url and not url.startswith(("https://", "http://")):
            self.problems.append(
                f"WORKER_QUEUE_URL={url!r} is not a URL: set it to what sqs:GetQueueUrl returns"
            )

    def _number(
        self,
        name: str,
        default: Number,
        low: Number,
        high: Number,
        parse: Callable[[str], Number],
        kind: str,
    ) -> Number:
        value = self._environ.get(name, "").strip()
        if not value:
            return default
        try:
            number = parse(value)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            self.problems.append(f"{name}={value!r}: set {kind} from {low:g} to {high:g}")
            return default
        return number
