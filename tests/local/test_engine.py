"""What an engine answers beyond its resource types, through the SDK."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from local.session import LocalAws

pytestmark = pytest.mark.xdist_group("local-aws")


def test_an_answer_does_not_wait_for_a_delayed_acknowledgement(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    sqs.list_queues()
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        sqs.list_queues()
        best = min(best, time.perf_counter() - start)
    assert best < 0.035


def test_a_client_that_hangs_up_in_a_long_poll_loses_no_message(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="hung-up")["QueueUrl"]
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 10})
    where = urlsplit(aws.endpoint)
    with socket.create_connection((where.hostname, where.port)) as poll:
        poll.sendall(
            b"POST / HTTP/1.1\r\nHost: sqs\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
            b"Content-Type: application/x-amz-json-1.0\r\n"
            b"Authorization: AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/sqs/aws4_request\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body.encode())
        )
        time.sleep(0.5)
    time.sleep(0.5)
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    time.sleep(0.5)
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "kept"


def test_queue_urls_lead_back_to_the_engine(aws: LocalAws) -> None:
    url = aws.client("sqs").create_queue(QueueName="here")["QueueUrl"]
    assert url == f"{aws.endpoint}/{aws.record().account}/here"


def test_a_large_object_survives_the_way_there_and_back(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    place = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="large-objects", CreateBucketConfiguration=place)
    content = bytes(range(256)) * 40_000
    s3.put_object(Bucket="large-objects", Key="ten megabytes", Body=content)
    found = s3.get_object(Bucket="large-objects", Key="ten megabytes")["Body"].read()
    assert found == content


def test_a_poisoned_message_reaches_the_dead_letter_queue(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    dead = sqs.create_queue(QueueName="poison-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = json.dumps({"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": 2})
    work = sqs.create_queue(
        QueueName="poison-work", Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
    )["QueueUrl"]
    sqs.send_message(QueueUrl=work, MessageBody="poison")
    for _ in range(2):
        assert sqs.receive_message(QueueUrl=work)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=work)
    (message,) = sqs.receive_message(
        QueueUrl=dead, MessageSystemAttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "3"
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(":poison-work")
