"""Keeps the knowledge base up to date with its bucket.

    S3 object events, deployments -> queue -> this function -> StartIngestionJob

Environment: KNOWLEDGE_BASE_ID, DATA_SOURCE_ID, KNOWLEDGE_TABLE, TOPIC_ARN,
FAILED_DOCUMENTS_QUEUE_URL.

An ingestion job compares the whole data source with the index, and there is one at a time. So what
an event names does not matter, only when it came: it is done with when a job that started after it
is COMPLETE. Until then the newest message of every batch stays in the queue and comes back in a
minute; the others are covered by it. A burst of thousands shrinks to a few messages with the first
batches, and as long as there is something to wait for there is a message that wakes the function,
so it needs no schedule and keeps no state that could be lost.

A job that failed is started again a quarter of an hour after it did, whatever comes meanwhile: jobs
that fail for one reason would fail with every event. Nothing that is told stops ingestion: a report
that cannot be delivered is tried again every minute, beside the jobs.

What it needs of its queue: ReportBatchItemFailures; no redrive policy, which would take waiting for
failing; a retention of days; a concurrency of 2, the least; permission for
sqs:ChangeMessageVisibility and sqs:GetQueueUrl.

Whoever wants a job sends the queue a message, whatever it says. A job that is started past the
queue is only noticed with the next message, or by the payload
{"groundwork": {"ingestion": "watch"}}, which notes how far jobs are and starts none.

KNOWLEDGE_TABLE (partition key `id`), item `ingestion`:
    job                the newest job
    status             its status as Bedrock names it
    started_at         when it was started, ISO 8601
    updated_at         when its status changed, ISO 8601
    documents_indexed, documents_failed, documents_deleted, documents_scanned
                       its numbers
    last_completed     the newest job that is COMPLETE; written only then, with
    completed_at       when it was, ISO 8601
    ended              the newest job that is over: COMPLETE, FAILED or STOPPED, each of which may
                       have changed the index
    ended_at           when it was, ISO 8601
    reported           the newest job whose failures were reported

Item `report`, attribute `told`: how far the report of a job is (ingestion/report.py).

For each document that failed, up to a thousand of a job, FAILED_DOCUMENTS_QUEUE_URL gets {"job",
"uri", "status", "reason"}, and TOPIC_ARN one message a job: at least once.
"""
