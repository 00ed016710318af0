"""The function that starts ingestion jobs. Its environment and its queue: ingestion/__init__.py."""

from __future__ import annotations

import os
import time

from edge import json_log
from edge.aws import Aws
from edge.errors import AwsError
from edge.keep_warm import keep_warm
from ingestion.data_source import DataSource
from ingestion.ingesting import WAIT_SECONDS, Ingestion, Waiting
from ingestion.messages import messages_of
from ingestion.progress import Progress
from ingestion.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ingestion.messages import Message

NAMESPACE = "Groundwork/Ingestion"
SECONDS_TO_RETURN = 3.0
BATCH = 10

AWS = Aws().prepare("bedrock-agent", "dynamodb", "sqs")
QUEUE_URLS: dict[str, str] = {}


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take a batch; the messages that have to come back are its failures.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    left = context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_RETURN
    AWS.give_up_at = time.monotonic() + left
    messages = messages_of(event)
    ingestion = Ingestion(
        DataSource(
            AWS.call,
            knowledge_base_id=os.environ["KNOWLEDGE_BASE_ID"],
            data_source_id=os.environ["DATA_SOURCE_ID"],
        ),
        progress=Progress(AWS.call, table=os.environ["KNOWLEDGE_TABLE"]),
        report=Report(
            AWS.call,
            topic_arn=os.environ["TOPIC_ARN"],
            queue_url=os.environ["FAILED_DOCUMENTS_QUEUE_URL"],
        ),
        left=lambda: AWS.give_up_at - time.monotonic(),
    )
    try:
        outcome = ingestion.take(messages)
        back = [outcome.waiting] if outcome.waiting else []
        failed = outcome.failed
    except AwsError as error:
        json_log.write("AWS call failed", level="ERROR", code=error.code, error=str(error))
        if not messages:
            raise
        back = [Waiting(message, WAIT_SECONDS) for message in messages]
        failed = True
    _return_later(back)
    _measure(messages, back, failed=failed)
    return {"batchItemFailures": [{"itemIdentifier": each.message.id} for each in back]}


def _return_later(back: Sequence[Waiting]) -> None:
    """Hide messages for as long as they have to wait; without that they come back sooner."""
    AWS.give_up_at += SECONDS_TO_RETURN - 1
    try:
        for first in range(0, len(back), BATCH):
            some = back[first : first + BATCH]
            AWS.call(
                "sqs",
                "ChangeMessageVisibilityBatch",
                QueueUrl=_queue_url(some[0].message.queue_arn),
                Entries=[
                    {
                        "Id": str(index),
                        "ReceiptHandle": each.message.handle,
                        "VisibilityTimeout": each.seconds,
                    }
                    for index, each in enumerate(some)
                ],
            )
    except AwsError as error:
        json_log.write("not hidden", level="WARN", code=error.code, error=str(error))


def _queue_url(arn: str) -> str:
    if arn not in QUEUE_URLS:
        account, name = arn.split(":")[4:6]
        answer = AWS.call("sqs", "GetQueueUrl", QueueName=name, QueueOwnerAWSAccountId=account)
        QUEUE_URLS[arn] = str(answer["QueueUrl"])
    return QUEUE_URLS[arn]


def _measure(messages: Sequence[Message], back: Sequence[Waiting], *, failed: bool) -> None:
    oldest = min((each.sent_at for each in messages), default=time.time())
    json_log.write_metrics(
        "batch",
        namespace=NAMESPACE,
        dimensions={"FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")},
        metrics={
            "Events": (len(messages), "Count"),
            "Waiting": (len(back), "Count"),
            "OldestEvent": (round(max(0.0, time.time() - oldest)), "Seconds"),
            "Failures": (int(failed), "Count"),
        },
    )


handler = keep_warm(handle)
