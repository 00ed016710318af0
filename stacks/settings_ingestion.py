"""Settings of the function `ingestion`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from stacks.settings_function import FunctionSettings
from stacks.settings_model import unit

# The longest that SQS hides a message.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
LONGEST_VISIBILITY_SECONDS = 43_200


class IngestionSettings(FunctionSettings):
    """The function `ingestion`: starts ingestion jobs when documents change."""

    memory_mb: Annotated[
        int,
        Field(
            default=256,
            ge=128,
            le=10_240,
            description="Memory, and with it the share of a processor: 1,769 MB are one vCPU.",
            json_schema_extra=unit("MB"),
        ),
    ]
    timeout_seconds: Annotated[
        int,
        Field(
            default=60,
            ge=10,
            le=900,
            description="Lambda ends an invocation that takes longer; listing the failed documents "
            "of a large data source takes longest.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    gather_seconds: Annotated[
        int,
        Field(
            default=20,
            ge=1,
            le=300,
            description="How long events are gathered before the function looks at them together. "
            "A document is searchable this much later.",
            json_schema_extra=unit("seconds"),
        ),
    ]
    backlog_alarm_hours: Annotated[
        int,
        Field(
            default=6,
            ge=1,
            le=300,
            description="Alarm when a change has waited so long to be ingested. Events are kept "
            "for 14 days.",
            json_schema_extra=unit("hours"),
        ),
    ]

    @property
    def visibility_seconds(self) -> int:
        """Six time-outs and what gathering takes, as AWS asks of a queue before a function.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        return 6 * self.timeout_seconds + self.gather_seconds

    @model_validator(mode="after")
    def _waits_for_events_alone(self) -> Self:
        problems = [*self._strategy_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _strategy_problems(self) -> Iterator[str]:
        if self.cold_starts != "none":
            yield (
                f"cold_starts is {self.cold_starts}: nobody waits for this function, and its "
                "events are gathered for seconds anyway; set cold_starts to none"
            )
        if 0 < self.reserved_concurrency < 2:
            yield (
                f"reserved_concurrency ({self.reserved_concurrency}): the queue starts two copies "
                "at least, and what is refused counts as throttled; set 2 or more, or 0"
            )
