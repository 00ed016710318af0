"""The functions that bench.cold_start compares: ours, and the same job written the usual ways.

The job is what POST /jobs does with one document: an item is written, a message sent, the item
written again. The usual ways do no more than that; ours validates, is idempotent and reports too.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.assembly import REPOSITORY

BASELINE = "boto3 at the top"
SLOW_PEER = "langchain-aws"

CALLS = """
def handler(event, context):
    documents = json.loads(event["body"])["documents"]
    {before}item = {{"job": {{"S": context.aws_request_id}}, "document": {{"S": "#job"}}}}
    condition = "attribute_not_exists(job)"
    dynamodb.put_item(TableName="jobs", Item=item, ConditionExpression=condition)
    entries = [{{"Id": str(i), "MessageBody": json.dumps(d)}} for i, d in enumerate(documents)]
    sqs.send_message_batch(QueueUrl="https://queue.invalid/1/jobs", Entries=entries)
    dynamodb.put_item(TableName="jobs", Item=item)
    return {{"statusCode": 202, "body": "{{}}"}}
"""
TOP = 'import json, boto3\ndynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")\n'
LAZY = """
@functools.cache
def clients():
    {first}return boto3.client("dynamodb"), boto3.client("sqs")
"""
USE_LAZY = "dynamodb, sqs = clients()\n    "

SIGNER = """
import json, os
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
credentials = Credentials(*(os.environ["AWS_" + name] for name in
                            ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")))
http = urllib3.PoolManager(ca_certs=os.environ["AWS_CA_BUNDLE"])
class Service:
    def __init__(self, name, prefix):
        self.signer, self.prefix = SigV4Auth(credentials, name, os.environ["AWS_REGION"]), prefix
    def call(self, operation, **params):
        headers = {"Content-Type": "application/x-amz-json-1.0",
                   "X-Amz-Target": self.prefix + "." + operation}
        url, body = os.environ["AWS_ENDPOINT_URL"] + "/", json.dumps(params)
        request = AWSRequest("POST", url, data=body, headers=headers)
        self.signer.add_auth(request)
        return http.request("POST", url, body=body, headers=dict(request.headers)).json()
    def put_item(self, **params): return self.call("PutItem", **params)
    def send_message_batch(self, **params): return self.call("SendMessageBatch", **params)
dynamodb, sqs = Service("dynamodb", "DynamoDB_20120810"), Service("sqs", "AmazonSQS")
"""
POWERTOOLS = (
    "from aws_lambda_powertools import Logger, Metrics, Tracer\n"
    'logger, metrics = Logger(service="jobs"), Metrics(namespace="jobs", service="jobs")\n'
    'tracer = Tracer(service="jobs", disabled=True)\n'
)
PYDANTIC = (
    "from pydantic import BaseModel, Field\n"
    "class Document(BaseModel):\n"
    "    key: str = Field(min_length=1, max_length=1024)\n"
    "class Submission(BaseModel):\n"
    "    documents: list[Document]\n"
)
REFUSED = (
    "from chat.handler import handler as refuse\n"
    "def handler(event, context):\n"
    "    refuse(event, context)  # which is no question\n"
    '    return {"statusCode": 202, "body": "{}"}\n'
)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A function to measure. `packages` are what it has to be packaged with."""

    name: str
    handler: str = "handler.handler"
    source: str = ""
    folders: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    calls_per_invocation: int = 3
    quick: bool = True


def _boto3(*, first: str = "") -> str:
    return first + TOP + CALLS.format(before="")


def _lazy_boto3(*, imports: str, first: str) -> str:
    return imports + LAZY.format(first=first) + CALLS.format(before=USE_LAZY)


def variants(*, quick: bool, everything: bool) -> list[Variant]:
    """What is measured, in the order of the table: a few, most, or with the slow ones all."""
    found = [
        Variant(
            name="empty handler",
            source="def handler(event, context):\n    return {}\n",
            calls_per_invocation=0,
        ),
        Variant(name="ours: jobs", handler="jobs.handler.handler", folders=("jobs", "edge")),
        Variant(
            name="chat (init; its calls are refused)",
            source=REFUSED,
            folders=("chat", "edge"),
            calls_per_invocation=0,
            quick=False,
        ),
        Variant(
            name="botocore's signer and urllib3",
            source=SIGNER + CALLS.format(before=""),
            packages=("botocore",),
            quick=False,
        ),
        Variant(name=BASELINE, source=_boto3(), packages=("boto3",)),
        Variant(
            name="boto3 at the top, clients in the handler",
            source=_lazy_boto3(imports="import functools, json, boto3\n", first=""),
            packages=("boto3",),
            quick=False,
        ),
        Variant(
            name="boto3 imported in the handler",
            source=_lazy_boto3(imports="import functools, json\n", first="import boto3\n    "),
            packages=("boto3",),
        ),
        Variant(
            name="boto3 and Powertools (Logger, Metrics, Tracer)",
            source=_boto3(first=POWERTOOLS),
            packages=("boto3", "aws-lambda-powertools", "aws-xray-sdk"),
            quick=False,
        ),
        Variant(
            name="boto3 and one pydantic model",
            source=_boto3(first=PYDANTIC),
            packages=("boto3", "pydantic"),
            quick=False,
        ),
    ]
    if everything:
        found.append(
            Variant(
                name="boto3 and langchain-aws embeddings",
                source=_boto3(first="from langchain_aws import BedrockEmbeddings\n"),
                packages=("boto3", SLOW_PEER),
            )
        )
    return [variant for variant in found if variant.quick or not quick]


def write(variant: Variant, folder: Path) -> None:
    """Lay a variant out as its package would be unpacked in Lambda."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if variant.source:
        (folder / "handler.py").write_text(variant.source)
    for name in variant.folders:
        shutil.copytree(
            REPOSITORY / "lambda_src" / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )


def event() -> dict[str, object]:
    """A POST /jobs as an HTTP API sends it."""
    return {
        "version": "2.0",
        "routeKey": "POST /jobs",
        "rawPath": "/jobs",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/jobs"}, "stage": "$default"},
        "body": json.dumps({"documents": [{"key": "incoming/report.pdf"}]}),
        "isBase64Encoded": False,
    }
