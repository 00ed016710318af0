"""Celery on SQS: one task that does nothing or waits, on a pool of BENCH_THREADS threads.

Runs in the peer's own environment (bench.worker_peers). `send` as an argument puts one task into
the queue instead of working, from which the benchmark makes as many as it needs.
"""

from __future__ import annotations

import os
import sys
import time

from celery import Celery  # type: ignore[import-not-found, unused-ignore]

QUEUE_URL = os.environ["BENCH_QUEUE_URL"]
QUEUE = QUEUE_URL.rpartition("/")[2]

if "AWS_CA_BUNDLE" in os.environ:
    # kombu hands botocore's own bundle to curl and knows no setting for another one.
    import kombu.asynchronous.aws.connection as connection  # type: ignore[import-not-found, unused-ignore]

    connection.get_cert_path = lambda _: os.environ["AWS_CA_BUNDLE"]

app = Celery("bench", broker="sqs://")
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "is_secure": QUEUE_URL.startswith("https:"),
        "polling_interval": 0,
        "predefined_queues": {QUEUE: {"url": QUEUE_URL}},
        "region": os.environ["AWS_REGION"],
        "wait_time_seconds": 20,
    },
    task_default_queue=QUEUE,
    task_ignore_result=True,
    worker_enable_remote_control=False,
)


@app.task(name="handle")  # type: ignore[untyped-decorator, unused-ignore]
def handle(body: str) -> None:  # noqa: ARG001 - a handler gets the body
    """Nothing, or a wait as for another service."""
    seconds = float(os.environ["BENCH_HANDLER_MS"]) / 1000
    if seconds:
        time.sleep(seconds)


if __name__ == "__main__":
    if sys.argv[1:] == ["send"]:
        handle.delay(os.environ["BENCH_BODY"])
    else:
        options = ["--pool=threads", f"--concurrency={os.environ['BENCH_THREADS']}"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
        app.worker_main(["worker", *options, *quiet])
