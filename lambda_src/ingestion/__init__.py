"""Keeps the knowledge base up to date with its bucket.

    S3 object events -> queue -> this function, one copy at a time -> StartIngestionJob

Environment: KNOWLEDGE_BASE_ID, DATA_SOURCE_ID, KNOWLEDGE_TABLE, TOPIC_ARN,
FAILED_DOCUMENTS_QUEUE_URL.

An ingestion job compares the whole data source with the index, so one job does for however many
events arrived before it started. Events that arrive while one runs need another one after it.

The event source mapping has ReportBatchItemFailures and a concurrency of its own (the least is 2).
Messages that have to wait are returned as failures of the batch, after their visibility timeout has
been set to WAIT_SECONDS. The queue keeps messages for days and has to allow as many receives as a
backlog takes: a maxReceiveCount of 1,000 is reached after 16 hours of waiting for one job.

What starts the function besides the queue: a schedule with {"groundwork": {"ingestion": "watch"}}
every few minutes, which notes how far the job is, reports failed documents when it is over, and
writes `last_completed`.

KNOWLEDGE_TABLE (partition key `id`), item `ingestion`:
    job                the last job that was started
    status             its status as Bedrock names it
    started_at         ISO 8601
    last_completed     the last job that is COMPLETE; written only then, with
    completed_at       when that was noticed, ISO 8601
    documents_indexed, documents_failed, documents_deleted, documents_scanned
                       numbers of the last job
    reported           the last job whose failures were reported
"""
