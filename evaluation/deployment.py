"""The deployment that is asked: what its stacks say, searched and asked as clients do.

The same calls go to an account and to the local AWS; an endpoint is all the difference.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.golden.documents import GoldenDocument, name_of
from evaluation.recording import Answered, Citation, Found
from worker.jobs.knowledge_base import METADATA_SUFFIX, TEXT_SUFFIX

SECONDS = 120
ATTEMPTS = 4
AGAIN = frozenset({429, 503})
FAILED = 500
MOST_FAILURES = 20
RESULTS = 10
LOOK_EVERY_SECONDS = 5.0


class DeploymentError(RuntimeError):
    """The deployment cannot be evaluated; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Stacks:
    """Outputs of the stacks, and how AWS is reached."""

    session: Any
    endpoint: str | None
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        """A boto3 client; for the local AWS of its own address styles and without proxies."""
        from botocore.config import Config

        local: dict[str, Any] = {"proxies": {}, "s3": {"addressing_style": "path"}}
        return self.session.client(
            service,
            endpoint_url=self.endpoint,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                read_timeout=SECONDS,
                **(local if self.endpoint else {}),
            ),
        )

    def output(self, name: str) -> str:
        """An output. Raises DeploymentError."""
        try:
            return self.outputs[name]
        except KeyError:
            raise DeploymentError(
                f"no stack has an output {name}; deploy the stacks Knowledge and Assistant"
            ) from None


def stacks(*, prefix: str, endpoint: str | None) -> Stacks:
    """Read the outputs of all stacks whose names begin with `prefix`. Raises DeploymentError."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.session.Session(**(_local() if endpoint else {}))
    found = Stacks(session=session, endpoint=endpoint, outputs={})
    try:
        pages = found.client("cloudformation").get_paginator("describe_stacks").paginate()
        outputs = {
            each["OutputKey"]: each["OutputValue"]
            for page in pages
            for stack in page["Stacks"]
            if stack["StackName"].startswith(f"{prefix}-")
            for each in stack.get("Outputs", ())
        }
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(
            f"the stacks cannot be read: {error}; give --endpoint for the local AWS, or set "
            "credentials and a Region of an account"
        ) from error
    if not outputs:
        raise DeploymentError(f"no stack is called {prefix}-...; deploy first, or give --stack")
    return Stacks(session=session, endpoint=endpoint, outputs=outputs)


def _local() -> Mapping[str, str]:
    """What a client of the local AWS is made with."""
    from local.cdk import ACCESS_KEY, SECRET_KEY
    from local.engine_config import DEFAULT_REGION

    return {
        "aws_access_key_id": ACCESS_KEY,
        "aws_secret_access_key": SECRET_KEY,
        "region_name": os.environ.get("AWS_REGION", DEFAULT_REGION),
    }


class KnowledgeBase:
    """Searches the deployed knowledge base, and fills it."""

    def __init__(self, deployed: Stacks) -> None:
        self._deployed = deployed
        self._id = deployed.output("KnowledgeBaseId")
        self._source = deployed.output("DataSourceId")
        self._search = deployed.client("bedrock-agent-runtime")
        self._agent = deployed.client("bedrock-agent")

    @property
    def chunking(self) -> str:
        """How the data source cuts documents: its strategy and the size."""
        source = self._agent.get_data_source(knowledgeBaseId=self._id, dataSourceId=self._source)[
            "dataSource"
        ]
        cut = source.get("vectorIngestionConfiguration", {}).get("chunkingConfiguration", {})
        strategy = cut.get("chunkingStrategy", "FIXED_SIZE")
        sizes = {
            "FIXED_SIZE": ("fixedSizeChunkingConfiguration", "maxTokens"),
            "SEMANTIC": ("semanticChunkingConfiguration", "maxTokens"),
        }
        part, size = sizes.get(strategy, ("", ""))
        tokens = cut.get(part, {}).get(size)
        return f"{strategy.lower()}{f'-{tokens}' if tokens else ''}"

    def retrieve(self, question: str, search: str) -> Found:
        """Names of the chunks' documents, best chunk first, and how near the best one is.

        https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Retrieve.html
        """
        answer = self._search.retrieve(
            knowledgeBaseId=self._id,
            retrievalQuery={"text": question},
            retrievalConfiguration={
                "vectorSearchConfiguration": {
                    "numberOfResults": RESULTS,
                    "overrideSearchType": search,
                }
            },
        )
        results = answer["retrievalResults"]
        return Found(
            ranked=[name_of(_uri(each)) for each in results],
            score=max((float(each.get("score", 0)) for each in results), default=0.0),
        )

    def ingest(self, documents: Sequence[GoldenDocument], *, wait_seconds: float) -> float:
        """Put prepared documents into the bucket and wait until all are searchable; seconds."""
        bucket = self._deployed.output("PreparedDocumentsBucketName")
        s3 = self._deployed.client("s3")
        began = time.monotonic()
        for document in documents:
            prepared = document.prepared(self._deployed.output("DocumentsBucketName"))
            key = f"{document.source.key}{TEXT_SUFFIX}"
            s3.put_object(Bucket=bucket, Key=f"{key}{METADATA_SUFFIX}", Body=prepared.metadata)
            s3.put_object(Bucket=bucket, Key=key, Body=prepared.text)
        if "IngestionQueueUrl" not in self._deployed.outputs:
            self._agent.start_ingestion_job(knowledgeBaseId=self._id, dataSourceId=self._source)
        while (indexed := self._indexed()) < len(documents):
            if time.monotonic() - began > wait_seconds:
                raise DeploymentError(
                    f"{indexed} of {len(documents)} documents are indexed after {wait_seconds:g} "
                    "seconds; look at the ingestion function's log, or raise --wait"
                )
            print(f"{indexed} of {len(documents)} documents are indexed", flush=True)
            time.sleep(LOOK_EVERY_SECONDS)
        return time.monotonic() - began

    def _indexed(self) -> int:
        pages = self._agent.get_paginator("list_knowledge_base_documents").paginate(
            knowledgeBaseId=self._id, dataSourceId=self._source
        )
        return sum(each["status"] == "INDEXED" for each in _details(pages))


def _details(pages: Any) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield from page["documentDetails"]


class Chat:
    """Asks the deployed API, with signed requests."""

    def __init__(self, deployed: Stacks) -> None:
        self._url = deployed.output("ChatUrl").rstrip("/")
        self._credentials = deployed.session.get_credentials()
        self._region = deployed.session.region_name
        self._local = deployed.endpoint is not None
        self._failures = 0

    def ask(self, id_: str, question: str, *, technique: str) -> Answered:
        """One question in a conversation of its own. Raises DeploymentError."""
        began = time.monotonic()
        content = self._post({"question": question, "technique": technique})
        if content is None:
            return Answered(id=id_, technique=technique, answer="", answered=False, failed=True)
        wall = (time.monotonic() - began) * 1000
        return Answered(
            id=id_,
            technique=technique,
            answer=content["answer"],
            answered=bool(content.get("answered", True)) and not content["stopped_by_guardrail"],
            stopped=content["stopped_by_guardrail"],
            cached=content["cached"],
            milliseconds=round(float(content.get("latency_ms") or wall)),
            citations=[
                Citation(document=name_of(each["source"]), quote=each["quote"])
                for each in content["citations"]
            ],
        )

    def _post(self, content: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The answer; None when the function or what it needs failed. Raises DeploymentError."""
        for attempt in range(1, ATTEMPTS + 1):
            status, said = self._try(content)
            if status == 200:
                return said
            if status not in AGAIN or attempt == ATTEMPTS:
                break
            time.sleep(2.0**attempt)
        problem = f"POST {self._url}/chat answers {status}: {said}"
        if status < FAILED:
            raise DeploymentError(problem)
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            raise DeploymentError(f"{problem}; {self._failures} questions failed, the last so")
        print(f"failed: {content}: {problem}", file=sys.stderr, flush=True)
        return None

    def _try(self, content: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        body = json.dumps(content).encode()
        url = f"{self._url}/chat"
        signed = AWSRequest(
            method="POST", url=url, data=body, headers={"content-type": "application/json"}
        )
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(signed)
        request = urllib.request.Request(url, body, dict(signed.headers), method="POST")
        opener = urllib.request.build_opener(
            *([urllib.request.ProxyHandler({})] if self._local else [])
        )
        try:
            with opener.open(request, timeout=SECONDS) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, {"problem": error.read().decode(errors="replace")[:500]}
        except (OSError, http.client.HTTPException) as error:
            return 503, {"problem": repr(error)}


def _uri(result: Mapping[str, Any]) -> str:
    location = result.get("location", {})
    return str(location.get("s3Location", {}).get("uri", ""))
