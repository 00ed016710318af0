"""The embedded AWS with a table and a queue for one test session."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

from edge.aws import Aws

REGION = "eu-west-1"


class LocalAws:
    """Start with `with LocalAws(folder) as local`."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LocalAws:
        environment = {name: value for name, value in os.environ.items() if name != "AWS_REGION"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            cwd=self._folder,
            env={
                **environment,
                "GATEWAY_PORT": str(self._port),
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_REGION": REGION,
                "S3_DATA_DIR": str(self._folder),
                "TMPDIR": str(self._folder),
                "LOG_LEVEL": "ERROR",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return self
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def environment(self) -> dict[str, str]:
        """What a function is given to find this AWS."""
        return {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def aws(self) -> Aws:
        """The functions' own client."""
        return Aws(self.environment)

    def make_table(self) -> str:
        """An empty table of jobs; its name."""
        name = f"jobs-{uuid.uuid4().hex[:8]}"
        self.aws().call(
            "dynamodb",
            "CreateTable",
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "job", "AttributeType": "S"},
                {"AttributeName": "document", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "job", "KeyType": "HASH"},
                {"AttributeName": "document", "KeyType": "RANGE"},
            ],
        )
        return name

    def make_queue(self) -> str:
        """An empty queue; its URL."""
        answer = self.aws().call("sqs", "CreateQueue", QueueName=f"q-{uuid.uuid4().hex[:8]}")
        return str(answer["QueueUrl"])

    def drain(self, queue_url: str) -> list[str]:
        """The bodies of all messages of a queue, which is empty afterwards."""
        aws, bodies = self.aws(), []
        while messages := aws.call(
            "sqs",
            "ReceiveMessage",
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=600,
        ).get("Messages"):
            bodies += [str(message["Body"]) for message in messages]
        return bodies
