"""What most people write first: a loop of receive, handle, delete in batches of ten with boto3.

Runs in the peer's own environment (bench.worker_peers), with BENCH_THREADS loops that share a
client, as boto3's documentation allows.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import boto3
from botocore.config import Config


def handle(body: str, seconds: float) -> None:  # noqa: ARG001 - a handler gets the body
    """Nothing, or a wait as for another service."""
    if seconds:
        time.sleep(seconds)


def consume(client: Any, queue_url: str, seconds: float) -> None:
    """Receive, handle and delete, for ever."""
    while True:
        answer = client.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=20
        )
        messages = answer.get("Messages", [])
        for message in messages:
            handle(message["Body"], seconds)
        if messages:
            client.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages)
                ],
            )


def main() -> None:
    """Start the loops."""
    threads = int(os.environ["BENCH_THREADS"])
    seconds = float(os.environ["BENCH_HANDLER_MS"]) / 1000
    client = boto3.client("sqs", config=Config(max_pool_connections=max(10, threads)))
    loops = [
        threading.Thread(
            target=consume, args=(client, os.environ["BENCH_QUEUE_URL"], seconds), daemon=True
        )
        for _ in range(threads - 1)
    ]
    for loop in loops:
        loop.start()
    consume(client, os.environ["BENCH_QUEUE_URL"], seconds)


if __name__ == "__main__":
    main()
