"""When somebody has to look at ingestion."""

from __future__ import annotations

from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.service_alarm import Observed, ServiceAlarm, of_queue

# Of lambda_src/ingestion/handler.py.
NAMESPACE = "Groundwork/Ingestion"


class IngestionAlarms(Construct):
    """Changes that wait for hours, documents that failed, events that were not delivered, calls
    that fail again and again: see docs/operations.md.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_name: str,
        queue: sqs.IQueue,
        undelivered: sqs.IQueue,
        failed_documents: sqs.IQueue,
        backlog_hours: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        topic_arn = topic.topic_arn
        ServiceAlarm(
            self,
            "Backlog",
            of_queue(queue, "ApproximateAgeOfOldestMessage"),
            topic_arn=topic_arn,
            threshold=backlog_hours * 3600,
            description="A change of a document has waited for longer than "
            "ingestion.backlog_alarm_hours: the job is slow, fails, or cannot be started.",
        )
        ServiceAlarm(
            self,
            "FailedDocuments",
            of_queue(failed_documents),
            topic_arn=topic_arn,
            threshold=0,
            description="Documents could not be ingested; the queue of failed documents says which "
            "and why.",
        )
        ServiceAlarm(
            self,
            "Undelivered",
            of_queue(undelivered),
            topic_arn=topic_arn,
            threshold=0,
            description="EventBridge could not put events into the queue for a day: send it a "
            "message by hand, which starts a job.",
        )
        ServiceAlarm(
            self,
            "Failures",
            Observed(
                namespace=NAMESPACE,
                names=["Failures"],
                dimensions={"FunctionName": function_name},
            ),
            topic_arn=topic_arn,
            threshold=0,
            periods=3,
            description="Calls of the function ingestion to AWS fail for a quarter of an hour.",
        )
