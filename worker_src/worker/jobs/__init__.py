"""Jobs: what a worker does with a message. A fork replaces one module here and nothing else.

A job is a module with one function::

    # worker_src/worker/jobs/resize_image.py
    from collections.abc import Mapping
    from worker.aws import Aws
    from worker.message import Message
    from worker.outcomes import Reject, Retry

    class ResizeImage:
        def __init__(self, aws: Aws, bucket: str) -> None:
            self._aws, self._bucket = aws, bucket

        def key(self, body: str) -> str | None:
            return None

        def run(self, message: Message) -> None:
            ...

    def open_job(environ: Mapping[str, str], *, aws: Aws) -> ResizeImage:
        return ResizeImage(aws, environ["WORKER_PREPARED_BUCKET"])

and the fleet's `job` setting (`WORKER_JOB` on the instance) names it: `worker.jobs.resize_image`.

* `open_job` runs once per worker process, before the first receive. Read settings here and say
  which one is missing; an exception stops the process before it takes a message.
* `run` is called from several threads at once and must not keep state between messages.
  Returning means done: the message is deleted. Everything else is an exception:

  ========================  ======================================================================
  `Reject(reason)`          can never succeed (malformed body, unreadable input). The reason is
                            logged and the queue's redrive moves the message to the DLQ. Name the
                            field and the remedy: whoever opens the DLQ reads this line.
  `Retry(reason, seconds)`  may succeed later (throttling, a dependency that is down); the message
                            is hidden for a back-off with jitter, or for `after_seconds`.
  anything else             a bug: logged with its traceback, then treated as a retry.
  ========================  ======================================================================

* `key` returns the idempotency key of a body, which the optional ledger
  (`WORKER_IDEMPOTENCY_TABLE`) uses to let a message act once, or None when `run` is idempotent by
  itself, which is cheaper. SQS standard queues deliver at least once:
  https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
* While `run` works, the worker extends the message's visibility; `run` needs no heartbeat. It may
  take as long as `WORKER_MAX_EXTENSION_SECONDS`; after SIGTERM it has `WORKER_DRAIN_SECONDS`.
* Import what is heavy inside the function that needs it: each process pays for the rest.

`noop` and `sleep` exist for the benchmarks; `prepare_document` is the demo's job and an example of
one that is idempotent without a ledger.
"""
