"""The clients of the benchmark: ours and its peers, each as a command and its environment."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.assembly import REPOSITORY
from bench.sqs_process import SqsProcess
from bench.worker_install import InstallError, node_packages, python_packages, tools

HERE = Path(__file__).resolve().parent
SEND_SECONDS = 60
BODY = json.dumps(
    {
        "bucket": "groundwork-documents-000000000000-eu-west-1",
        "key": "services/sqs/2012-11-05/operations/{n}.json",
        "version_id": "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY{n}",
        "requested_by": "arn:aws:iam::000000000000:role/uploader",
        "trace": "Root=1-67891233-{n}abcdef012345",
    }
)

BOTO3 = ("boto3==1.43.106",)
CELERY = ("celery[sqs]==5.7.0", "kombu==5.7.0", "boto3==1.44.8", "pycurl==7.49.0")
SQS_CONSUMER = ("sqs-consumer@15.0.3", "@aws-sdk/client-sqs@3.1175.0")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a client has to do with each message, and on how many threads."""

    threads: int = 1
    handler_ms: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Client:
    """A client that is ready to run. `template` and `encode` describe its messages."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    template: str = BODY
    encode: bool = False


def environment(server: SqsProcess, queue: str, task: Task) -> dict[str, str]:
    """The same for all clients: where the queue is, static credentials, what to do."""
    clean = {
        name: value
        for name, value in tools().items()
        if not name.startswith(("AWS_", "WORKER_")) and not name.lower().endswith("_proxy")
    }
    clean.update(
        AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
        AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI-example",  # nosec B106 - of no account
        AWS_REGION="eu-west-1",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_ENDPOINT_URL=server.endpoint,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        BENCH_QUEUE_URL=server.queue_url(queue),
        WORKER_QUEUE_URL=server.queue_url(queue),
        BENCH_THREADS=str(task.threads),
        BENCH_HANDLER_MS=str(task.handler_ms),
    )
    if server.certificate is not None:
        clean["AWS_CA_BUNDLE"] = str(server.certificate.certificate)
        clean["NODE_EXTRA_CA_CERTS"] = str(server.certificate.certificate)
    return clean


def groundwork(task: Task) -> Client:
    """This project's worker: its whole process tree, with one worker process."""
    return Client(
        name="groundwork",
        command=(sys.executable, "-m", "worker"),
        environment={
            "PYTHONPATH": str(REPOSITORY / "worker_src"),
            "WORKER_JOB": "worker.jobs.sleep" if task.handler_ms else "worker.jobs.noop",
            "WORKER_SLEEP_MS": str(task.handler_ms),
            "WORKER_THREADS": str(task.threads),
            "WORKER_VCPUS": "1",
        },
    )


def boto3() -> Callable[[Task], Client]:
    """A batch loop on boto3, one per thread."""
    interpreter = python_packages("boto3", BOTO3)
    client = Client(name="boto3", command=(str(interpreter), str(HERE / "worker_boto3.py")))
    return lambda _: client


def sqs_consumer() -> Callable[[Task], Client]:
    """npm sqs-consumer in batch mode."""
    description = node_packages("sqs-consumer", SQS_CONSUMER)
    client = Client(
        name="sqs-consumer",
        command=("node", str(HERE / "worker_sqs_consumer.mjs")),
        environment={"BENCH_MODULES": str(description), "BENCH_POLLERS": "4"},
    )
    return lambda _: client


def celery(server: SqsProcess) -> Callable[[Task], Client]:
    """Celery on SQS; its messages are made from one that Celery itself has sent."""
    interpreter = python_packages("celery", CELERY)
    command = (str(interpreter), str(HERE / "worker_celery.py"))
    template = _celery_template(server, command)
    client = Client(name="celery", command=command, template=template, encode=True)
    return lambda _: client


def _celery_template(server: SqsProcess, command: tuple[str, ...]) -> str:
    queue = "a-celery-template"
    result = subprocess.run(
        [*command, "send"],
        env={**environment(server, queue, Task()), "BENCH_BODY": BODY},
        capture_output=True,
        text=True,
        timeout=SEND_SECONDS,
        check=False,
    )
    bodies = server.take(queue)
    if result.returncode or len(bodies) != 1:
        raise InstallError(f"celery sent no task: {result.stderr.strip()[-500:]}")
    envelope = base64.b64decode(bodies[0]).decode()
    content = json.loads(envelope)
    for name in (content["headers"]["id"], content["properties"]["delivery_tag"]):
        envelope = envelope.replace(name, "00000000-0000-4000-8000-{n}")
    return envelope.replace(queue, "{queue}")
