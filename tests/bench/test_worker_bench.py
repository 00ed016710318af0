"""The worker benchmark's own parts: its server keeps to SQS's protocol, its clients do the work.

Nothing here is timed. boto3 is the judge of the protocol: it parses what the server says with the
service's own model.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bench.sqs_process import SqsProcess, make_certificate
from bench.worker_clients import Client, Task, groundwork
from bench.worker_install import InstallError, node_packages
from bench.worker_report import own_goals, processor_goals, rate_goals, table
from bench.worker_run import Figures, Load, RunError, run

NO_RETRIES = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def server() -> Iterator[SqsProcess]:
    with SqsProcess() as running:
        yield running


@pytest.fixture
def queue(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


@pytest.fixture
def url(server: SqsProcess, queue: str) -> str:
    return server.queue_url(queue)


def open_client(server: SqsProcess, **options: Any) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=server.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="secret",
        config=NO_RETRIES,
        **options,
    )


@pytest.fixture(scope="module")
def sqs(server: SqsProcess) -> Any:
    return open_client(server)


def test_what_is_sent_is_received_with_its_digest_and_deleted_once(
    sqs: Any, server: SqsProcess, queue: str, url: str
) -> None:
    bodies = ["plain", 'quotes " and \\ and é', "new\nline"]
    sent = sqs.send_message(QueueUrl=url, MessageBody=bodies[0])
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"plain").hexdigest()
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[1:])]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 2

    received = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert [message["Body"] for message in received] == bodies
    for message in received:
        assert message["MD5OfBody"] == hashlib.md5(message["Body"].encode()).hexdigest()
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert received[0]["MessageId"] == sent["MessageId"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)

    handles = [message["ReceiptHandle"] for message in received]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handles[0])
    batch = [{"Id": f"x-{n}", "ReceiptHandle": handle} for n, handle in enumerate(handles)]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=batch)["Successful"]
    assert {entry["Id"] for entry in deleted} == {"x-0", "x-1", "x-2"}
    state = server.state(queue)
    assert (state.left, state.deleted, state.received_again) == (0, 3, 0)
    assert state.calls == {
        "SendMessage": 1,
        "SendMessageBatch": 1,
        "ReceiveMessage": 2,
        "DeleteMessage": 1,
        "DeleteMessageBatch": 1,
    }


def test_visibility_hides_ends_and_belongs_to_the_latest_receive(sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="again")
    (first,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=1)["Messages"]
    assert "Attributes" not in first
    (second,) = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert second["MessageId"] == first["MessageId"]
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    with pytest.raises(ClientError, match="not available for visibility timeout change"):
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=30
        )
    answer = sqs.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "old", "ReceiptHandle": first["ReceiptHandle"], "VisibilityTimeout": 0},
            {"Id": "new", "ReceiptHandle": second["ReceiptHandle"], "VisibilityTimeout": 0},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["new"]
    assert [(entry["Id"], entry["SenderFault"]) for entry in answer["Failed"]] == [("old", True)]
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    # An old handle deletes nothing, and that is no error.
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_queues_are_found_by_name(sqs: Any, queue: str, url: str) -> None:
    assert sqs.get_queue_url(QueueName=queue)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=queue)["QueueUrls"] == [url]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "ReceiptHandle": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "same", "ReceiptHandle": "x"}] * 2, "BatchEntryIdsNotDistinct"),
    ],
)
def test_batches_that_sqs_refuses_are_refused(
    sqs: Any, url: str, entries: list[dict[str, str]], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert code in refused.value.response["Error"]["Code"]


def test_more_than_ten_messages_at_a_time_are_refused(sqs: Any, url: str) -> None:
    with pytest.raises(ClientError, match="set 1 to 10"):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11)


def test_unsigned_and_unknown_requests_are_refused_and_pieces_are_put_together(
    server: SqsProcess,
) -> None:
    where = urlsplit(server.endpoint)
    connection = http.client.HTTPConnection(str(where.hostname), where.port or 80, timeout=10)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "AmazonSQS.ListQueues"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"not signed" in answer.read()
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=x", "X-Amz-Target": "AmazonSQS.Purge"}
    connection.request("POST", "/", b"{}", signed)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["message"]) == (400, "Purge")
    # The head and the body come in two pieces, as botocore sends them.
    connection.putrequest("POST", "/")
    connection.putheader("Authorization", signed["Authorization"])
    connection.putheader("X-Amz-Target", "AmazonSQS.ListQueues")
    connection.putheader("Content-Length", "26")
    connection.endheaders()
    connection.send(b'{"QueueNamePrefix"')
    connection.send(b':"none"}')
    assert json.loads(connection.getresponse().read()) == {"QueueUrls": []}
    connection.close()


def test_filling_numbers_the_messages_and_waiting_has_an_end(
    server: SqsProcess, sqs: Any, queue: str, url: str
) -> None:
    server.fill(queue, template="number {n}", count=2, encode=True)
    assert not server.wait(queue, deleted=1, seconds=0.01)
    bodies = [base64.b64decode(body).decode() for body in server.take(queue)]
    assert bodies == ["number 000000000000", "number 000000000001"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
def test_the_certificate_is_trusted_by_who_is_given_it(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    with SqsProcess(certificate=made) as server:
        client = open_client(server, verify=str(made.certificate))
        url = server.queue_url("tls")
        client.send_message(QueueUrl=url, MessageBody="secret")
        (message,) = client.receive_message(QueueUrl=url)["Messages"]
        assert message["Body"] == "secret"


def test_our_worker_drains_with_full_batches(server: SqsProcess, queue: str) -> None:
    task = Task(threads=4)
    figures = run(
        groundwork(task), task, Load(warm=100, messages=6_000), server=server, queue=queue
    )
    assert server.state(queue).deleted == 6_100
    assert figures.calls <= 205
    assert 5 < figures.megabytes <= 50
    assert figures.processor > 0


def test_a_client_that_ends_is_reported_with_its_last_words(server: SqsProcess, queue: str) -> None:
    broken = Client(
        name="broken", command=(sys.executable, "-c", "raise SystemExit('out of luck')")
    )
    with pytest.raises(RunError, match="broken ended with 5 of 5 messages left: out of luck"):
        run(broken, Task(), Load(warm=5, messages=5), server=server, queue=queue)


def test_a_package_that_cannot_be_installed_is_an_error_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 404 no such package >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr("bench.worker_install.FOLDER", tmp_path / "peers")
    monkeypatch.setattr("bench.worker_install.REPOSITORY", tmp_path)
    monkeypatch.setattr(
        "bench.worker_install.tools",
        lambda: {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    with pytest.raises(InstallError, match="404 no such package"):
        node_packages("peer", ["peer@1.0.0"])


def figures(*, processor: float, rate: float) -> Figures:
    return Figures(
        processor=processor, calls=200.0, megabytes=36.0, rate=rate, server_processor=30.0
    )


def test_ratios_are_medians_of_rounds_not_ratios_of_medians() -> None:
    runs = {
        "groundwork": [figures(processor=p, rate=100) for p in (10, 20, 60)],
        "boto3": [figures(processor=p, rate=r) for p, r in ((100, 50), (300, 50), (300, 50))],
        "celery": [],
    }
    lines = table(runs)
    assert "1/10.0" in lines[2]
    assert "2.00x" in lines[2]
    assert "did not run" in lines[3]
    (goal,) = processor_goals(runs, title="no-op", most={"boto3": 8, "celery": 40})
    assert goal.met
    assert goal.reached == pytest.approx(10)
    (missed,) = processor_goals(runs, title="no-op", most={"boto3": 12})
    assert not missed.met
    assert "MISSED" in str(missed)
    assert all(goal.met for goal in own_goals(runs, title="no-op"))
    (rate,) = rate_goals(runs, title="slow", peer="boto3")
    assert rate.met
