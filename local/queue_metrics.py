"""What SQS publishes about each queue to CloudWatch, once per minute of AWS time.

The supervisor owns the clock and calls `QueueMetrics.publish`. The metrics:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from local.message_store import MessageStore, Traffic
from local.metric_store import put_metric
from local.sqs_speed import store_of

NAMESPACE = "AWS/SQS"
UNITS = {"ApproximateAgeOfOldestMessage": "Seconds", "SentMessageSize": "Bytes"}


def sample(
    store: MessageStore,
    *,
    before: Traffic,
    now: float,
    aws_time: Callable[[float], float] = lambda wall: wall,
) -> dict[str, float]:
    """The values of one period, by metric name.

    `before` is the traffic at the end of the previous period, `now` the wall clock. The age of the
    oldest message and the size of messages are absent when there is none to measure.
    """
    visible, in_flight, delayed = store.counts(now)
    traffic = store.traffic
    sent = traffic.sent - before.sent
    values: dict[str, float] = {
        "ApproximateNumberOfMessagesVisible": visible,
        "ApproximateNumberOfMessagesNotVisible": in_flight,
        "ApproximateNumberOfMessagesDelayed": delayed,
        "NumberOfMessagesSent": sent,
        "NumberOfMessagesReceived": traffic.received - before.received,
        "NumberOfMessagesDeleted": traffic.deleted - before.deleted,
        "NumberOfEmptyReceives": traffic.empty_receives - before.empty_receives,
    }
    oldest = store.oldest()
    if oldest is not None:
        values["ApproximateAgeOfOldestMessage"] = max(0.0, aws_time(now) - aws_time(oldest))
    if sent:
        values["SentMessageSize"] = (traffic.sent_bytes - before.sent_bytes) / sent
    return values


class QueueMetrics:
    """Samples every standard queue of the engine's account and region."""

    def __init__(self, aws_time: Callable[[float], float]) -> None:
        self._aws_time = aws_time
        self._before: dict[str, Traffic] = {}

    def publish(self, *, now: float, at: float) -> None:
        """Sample at the wall clock's `now`, store under the AWS time `at`."""
        for name, store in standard_queues():
            before = self._before.get(name, Traffic())
            if before.sent > store.traffic.sent or before.received > store.traffic.received:
                before = Traffic()  # a queue of the same name was made anew
            values = sample(store, before=before, now=now, aws_time=self._aws_time)
            self._before[name] = replace(store.traffic)
            for metric, value in values.items():
                put_metric(
                    namespace=NAMESPACE,
                    name=metric,
                    dimensions={"QueueName": name},
                    value=value,
                    unit=UNITS.get(metric, "Count"),
                    at=at,
                )


def standard_queues() -> Iterator[tuple[str, MessageStore]]:
    """The queues that have a store, by name, expired messages taken out."""
    from ministack.services import sqs

    queues: list[dict[str, Any]] = list(sqs._queues.values())
    for queue in queues:
        store = store_of(queue)
        if store is not None:
            sqs._expire_retained(queue)
            yield queue["name"], store
