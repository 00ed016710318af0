"""Settings of one Lambda function: its size, and its strategy against cold starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from stacks.settings_model import Capability, unit

# EventBridge invokes all targets of a rule at once, and a rule has five at most.
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
LARGEST_ROUND = 5
# An HTTP API waits no longer for its integration.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
LONGEST_API_SECONDS = 30
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
DAY = "(MON|TUE|WED|THU|FRI|SAT|SUN)"

NUMBERS_OF = {
    "keep_warm": ("warm_minutes", "warm_copies", "warm_hold_ms"),
    "provisioned": (
        "provisioned_min",
        "provisioned_max",
        "provisioned_utilization",
        "busy_capacity",
        "busy_days",
        "busy_from",
        "busy_until",
        "busy_time_zone",
    ),
}
# Chosen strategy, strategy of a number that is set as well -> why they exclude each other.
EXCLUSIVE = {
    ("provisioned", "keep_warm"): "pings would take provisioned copies away from requests, and "
    "what is provisioned is warm already",
    ("keep_warm", "provisioned"): "pings would take provisioned copies away from requests, and "
    "what is provisioned is warm already",
    ("snapstart", "provisioned"): "Lambda refuses provisioned concurrency for a function with "
    "SnapStart (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html)",
    ("snapstart", "keep_warm"): "every copy starts from the snapshot, so pings would only pay for "
    "what it makes short",
}


class FunctionSize(Capability):
    """Size of the function"""

    memory_mb: Annotated[
        int,
        Field(
            default=512,
            ge=128,
            le=10_240,
            description="Memory, and with it the share of a processor: 1,769 MB are one vCPU. "
            "docs/cold-starts.md says how to measure it.",
            json_schema_extra=unit("MB"),
        ),
    ]
    timeout_seconds: Annotated[
        int,
        Field(
            default=20,
            ge=1,
            le=900,
            description="Lambda ends an invocation that takes longer.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    reserved_concurrency: Annotated[
        int,
        Field(
            default=0,
            ge=0,
            le=10_000,
            description="Copies that are kept free for this function, and the most that it gets; "
            "0 reserves nothing. An account keeps at least 100 unreserved, so a new one with a "
            "small quota can reserve none.",
            json_schema_extra=unit("copies"),
        ),
    ]


class ColdStartSettings(Capability):
    """Strategy against cold starts"""

    cold_starts: Annotated[
        Literal["none", "keep_warm", "provisioned", "snapstart"],
        Field(
            default="none",
            description="One strategy (docs/cold-starts.md compares them). none: copies start when "
            "they are needed. keep_warm: a rule pings the alias. provisioned: Lambda keeps copies "
            "ready, billed by the second. snapstart: copies start from a snapshot.",
        ),
    ]
    warm_minutes: Annotated[
        int,
        Field(
            default=5,
            ge=1,
            le=60,
            description="keep_warm: time between two rounds of pings.",
            json_schema_extra=unit("minutes"),
        ),
    ]
    warm_copies: Annotated[
        int,
        Field(
            default=2,
            ge=1,
            le=LARGEST_ROUND,
            description="keep_warm: copies that each round keeps. More than five would need "
            "several rules, which do not fire at the same moment: use provisioned.",
            json_schema_extra=unit("copies"),
        ),
    ]
    warm_hold_ms: Annotated[
        int,
        Field(
            default=100,
            ge=0,
            le=10_000,
            description="keep_warm: how long a ping holds its copy, so that the other pings of the "
            "round need copies of their own. 75 is the least that is safe.",
            json_schema_extra=unit("milliseconds"),
        ),
    ]
    provisioned_min: Annotated[
        int,
        Field(
            default=1,
            ge=0,
            le=10_000,
            description="provisioned: copies outside of busy hours, at least 1.",
            json_schema_extra=unit("copies"),
        ),
    ]
    provisioned_max: Annotated[
        int,
        Field(
            default=10,
            ge=1,
            le=10_000,
            description="provisioned: most copies that target tracking may ask for.",
            json_schema_extra=unit("copies"),
        ),
    ]
    provisioned_utilization: Annotated[
        float,
        Field(
            default=0.7,
            ge=0.1,
            le=0.9,
            description="provisioned: share of the copies in use that target tracking aims at.",
            json_schema_extra=unit("share"),
        ),
    ]
    busy_capacity: Annotated[
        int,
        Field(
            default=0,
            ge=0,
            le=10_000,
            description="provisioned: least copies in busy hours; 0 for no schedule.",
            json_schema_extra=unit("copies"),
        ),
    ]
    busy_days: Annotated[
        str,
        Field(
            default="MON-FRI",
            pattern=rf"^{DAY}([-,]{DAY})*$",
            description="provisioned: days of busy hours, as in cron.",
            json_schema_extra=unit("days"),
        ),
    ]
    busy_from: Annotated[
        str,
        Field(
            default="07:00",
            pattern=CLOCK,
            description="provisioned: when busy hours begin.",
            json_schema_extra=unit("HH:MM"),
        ),
    ]
    busy_until: Annotated[
        str,
        Field(
            default="20:00",
            pattern=CLOCK,
            description="provisioned: when they end, on the same day.",
            json_schema_extra=unit("HH:MM"),
        ),
    ]
    busy_time_zone: Annotated[
        str,
        Field(
            default="UTC",
            pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$",
            description="provisioned: time zone of busy hours.",
            json_schema_extra=unit("name in the IANA database, such as Europe/Berlin"),
        ),
    ]


class FunctionSettings(ColdStartSettings, FunctionSize):
    """A Lambda function."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._mixes(), *self._sizes()]
        if self.cold_starts == "provisioned":
            problems += [*self._provisioned_problems(), *self._schedule_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def scheduled(self) -> bool:
        """Whether provisioned copies follow the clock."""
        return self.cold_starts == "provisioned" and self.busy_capacity > 0

    def _mixes(self) -> Iterator[str]:
        for other, numbers in NUMBERS_OF.items():
            reason = EXCLUSIVE.get((self.cold_starts, other))
            mixed = [name for name in numbers if name in self.model_fields_set]
            if reason and mixed:
                yield (
                    f"{', '.join(mixed)} belong to {other}, and cold_starts is {self.cold_starts}: "
                    f"{reason}. Remove {', '.join(mixed)}, or set cold_starts to {other}"
                )

    def _sizes(self) -> Iterator[str]:
        copies = {"keep_warm": "warm_copies", "provisioned": "provisioned_max"}.get(
            self.cold_starts
        )
        if copies and 0 < self.reserved_concurrency < getattr(self, copies):
            yield (
                f"{copies} ({getattr(self, copies)}) exceeds reserved_concurrency "
                f"({self.reserved_concurrency}), the most that the function gets: lower the first "
                "or raise the second"
            )
        if self.cold_starts == "keep_warm" and self.warm_hold_ms >= self.timeout_seconds * 1000:
            yield (
                f"warm_hold_ms ({self.warm_hold_ms}) reaches timeout_seconds "
                f"({self.timeout_seconds}): every ping would time out; lower the first"
            )

    def _provisioned_problems(self) -> Iterator[str]:
        if self.provisioned_min < 1:
            yield (
                "provisioned_min (0): scaling to 0 deletes the configuration that the next "
                "deployment updates, which then fails with ProvisionedConcurrencyConfigNotFound "
                "(aws-cdk issue 29992); set at least 1, or cold_starts to none"
            )
        if self.provisioned_min > self.provisioned_max:
            yield (
                f"provisioned_min ({self.provisioned_min}) exceeds provisioned_max "
                f"({self.provisioned_max}): lower the first or raise the second"
            )

    def _schedule_problems(self) -> Iterator[str]:
        if not self.busy_capacity:
            return
        if not self.provisioned_min <= self.busy_capacity <= self.provisioned_max:
            yield (
                f"busy_capacity ({self.busy_capacity}) is not between provisioned_min "
                f"({self.provisioned_min}) and provisioned_max ({self.provisioned_max}): "
                "change one of them, or set busy_capacity to 0 for no schedule"
            )
        if self.busy_from >= self.busy_until:
            yield (
                f"busy_from ({self.busy_from}) is not before busy_until ({self.busy_until}): "
                "busy hours begin and end on the same day; swap them or the capacities"
            )
        known = available_timezones()
        if known and self.busy_time_zone not in known:
            yield (
                f"busy_time_zone ({self.busy_time_zone}) is no time zone: use a name such as "
                "UTC or Europe/Berlin"
            )

    @staticmethod
    def cron(days: str, clock: str) -> str:
        """The schedule expression of a time on some days of the week."""
        hour, minute = clock.split(":")
        return f"cron({int(minute)} {int(hour)} ? * {days} *)"


class AnsweringFunctionSettings(FunctionSettings):
    """A function whose answer an HTTP API waits for."""

    @model_validator(mode="after")
    def _answers_before_the_api_gives_up(self) -> Self:
        if self.timeout_seconds >= LONGEST_API_SECONDS:
            raise ValueError(
                f"timeout_seconds ({self.timeout_seconds}): the API gives up after "
                f"{LONGEST_API_SECONDS} seconds, and the caller would not hear of the end; lower it"
            )
        return self
