"""The `jobs` API: submit documents to the fleet's queue, see how far they are.

State is one DynamoDB table (on demand, time to live on `expires_at`) with the partition key `job`
and the sort key `document`, both strings. Two kinds of items are in it.

The job, written by this function (sort key `#job`, which sorts before every document):

    job          S  the job's id
    document     S  "#job"
    status       S  SUBMITTING while messages are being sent, then SUBMITTED
    fingerprint  S  SHA-256 of the request's documents: the same Idempotency-Key with another one is
                    refused
    total        N  how many documents the request names
    position     N  documents before this index are settled: queued or refused
    queued       N  how many were handed to the queue
    refused      S  JSON object from a reason to the indexes that SQS refused for it
    created      S  when the job was made, ISO 8601 in UTC
    attempt      S  names the attempt to submit that may write this item
    leased_until N  seconds since 1970: until then that attempt is under way
    expires_at   N  seconds since 1970: when DynamoDB may delete the item

A document that is finished, written by the worker that finished it:

    job          S  `job` of the message
    document     S  `document` of the message: the index in the request as six digits
    outcome      S  "done", or "rejected" when the document can never succeed
    key          S  the object's key
    reason       S  why it was rejected; absent when it is done
    finished     S  when, ISO 8601 in UTC
    expires_at   N  `expires` of the message

The message that connects them is {"job": ..., "document": "000012", "expires": 1767225600,
"key": ..., "bucket": ..., "versionId": ...}; the last two are absent where the request has none.
SQS delivers at least once, so the worker's write must be repeatable: PutItem, for "rejected" with
the condition `attribute_not_exists(job) OR expires_at <> :expires` (`expires` of the message). A
late redelivery cannot undo "done" then, and what is left of an expired job is overwritten. There
are no counters: all workers would write to one item, and a redelivered message would count twice.
One that exhausts its retries ends in the dead-letter queue and has no item, so its job stays
unfinished until it is redriven, which is the truth.
"""
