"""One engine with one deployed knowledge base for all tests of Bedrock."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest

from local.corpus import documents
from local.session import LocalAws
from tests.bedrock import asking, deployed

SECONDS = 120.0
DOCUMENTS = 200
OPERATION = re.compile(r"/([A-Z]\w+)\.json$")


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """The deployed knowledge base and clients for it."""

    aws: LocalAws
    outputs: dict[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "s3", self.aws.client("s3"))
        object.__setattr__(self, "agent", self.aws.client("bedrock-agent"))
        object.__setattr__(self, "runtime", self.aws.client("bedrock-agent-runtime"))

    s3: Any = None
    agent: Any = None
    runtime: Any = None

    @property
    def id(self) -> str:
        return self.outputs["Base"]

    @property
    def bucket(self) -> str:
        return self.outputs["Bucket"]

    def source(self, name: str) -> dict[str, str]:
        return {"knowledgeBaseId": self.id, "dataSourceId": self.outputs[name]}

    def put(self, key: str, text: str | bytes, metadata: str | None = None) -> str:
        body = text.encode() if isinstance(text, str) else text
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        if metadata is not None:
            name = f"{key}.metadata.json"
            self.s3.put_object(Bucket=self.bucket, Key=name, Body=metadata.encode())
        return f"s3://{self.bucket}/{key}"

    def ingest(self, name: str) -> dict[str, Any]:
        """Run a job to its end."""
        job = self.agent.start_ingestion_job(**self.source(name))["ingestionJob"]
        return self.ended(name, job["ingestionJobId"])

    def ended(self, name: str, job_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.agent.get_ingestion_job(
                **self.source(name), ingestionJobId=job_id
            )["ingestionJob"]
            if job["status"] in ("COMPLETE", "FAILED", "STOPPED"):
                return job
            time.sleep(0.05)
        raise AssertionError(f"job {job_id} did not end")

    def retrieve(self, text: str, **search: Any) -> list[dict[str, Any]]:
        return self.runtime.retrieve(  # type: ignore[no-any-return]
            knowledgeBaseId=self.id,
            retrievalQuery={"text": text},
            retrievalConfiguration={"vectorSearchConfiguration": search},
        )["retrievalResults"]


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An engine that is up."""
    with LocalAws(state=tmp_path_factory.mktemp("bedrock") / "state") as running:
        yield running


@pytest.fixture(scope="session")
def runtime(aws: LocalAws) -> Any:
    """The client that asks models."""
    return aws.client("bedrock-runtime")


@pytest.fixture(scope="session")
def knowledge(aws: LocalAws) -> Knowledge:
    """The deployed stack, with nothing ingested."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="notes", TemplateBody=deployed.template(), Capabilities=["CAPABILITY_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="notes", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return Knowledge(aws=aws, outputs=aws.outputs("notes"))


@pytest.fixture(scope="session")
def corpus() -> list[tuple[str, str, str]]:
    """Key, service and first sentences of real operations' documentation."""
    return list(islice(_corpus(), DOCUMENTS))


def _corpus() -> Iterator[tuple[str, str, str]]:
    for document in documents():
        named = OPERATION.search(document.key)
        if not named:
            continue
        content = json.loads(document.body)
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content["operation"]["documentation"]))
        if len(text) > 60:
            service = content["service"]["name"]
            said = f"{named.group(1)} of {service}. {text.strip()[:160].rpartition(' ')[0]}."
            yield document.key.removeprefix("incoming/"), service, said


@pytest.fixture(scope="session")
def ingested(
    knowledge: Knowledge, corpus: list[tuple[str, str, str]]
) -> tuple[Knowledge, dict[str, Any]]:
    """Real documents in the data source `fixed`, and the job that put them there."""
    for key, service, text in corpus:
        name = f"fixed/{key.removesuffix('.json')}.txt"
        attributes = {"service": service, "length": len(text), "tags": ["api", service.lower()]}
        knowledge.put(name, text, json.dumps({"metadataAttributes": attributes}))
    return knowledge, knowledge.ingest("fixed")


@pytest.fixture(scope="session")
def asked_outputs(knowledge: Knowledge) -> dict[str, str]:
    """What the functions chat and ingestion need beside the knowledge base."""
    cloudformation = knowledge.aws.client("cloudformation")
    cloudformation.create_stack(StackName="asking", TemplateBody=asking.template())
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="asking", WaiterConfig={"Delay": 0.5, "MaxAttempts": 120}
    )
    return knowledge.aws.outputs("asking")


@pytest.fixture(scope="session")
def environment(knowledge: Knowledge, asked_outputs: dict[str, str]) -> dict[str, str]:
    """Of the function chat."""
    return {
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": knowledge.aws.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "KNOWLEDGE_BASE_ID": knowledge.id,
        "KNOWLEDGE_TABLE": asked_outputs["Progress"],
        "CONVERSATIONS_TABLE": asked_outputs["Conversations"],
        "MODEL_ID": "amazon.nova-lite-v1:0",
        "GUARDRAIL_ID": knowledge.outputs["Guardrail"],
        "GUARDRAIL_VERSION": "1",
        "PROMPTS": asking.prompts(asked_outputs),
        "EMBEDDING_MODEL_ID": "amazon.titan-embed-text-v2:0",
        "EMBEDDING_DIMENSION": str(asking.DIMENSION),
        "CACHE": "s3_vectors",
        "CACHE_INDEX_ARN": asked_outputs["Cache"],
        "CACHE_TIMEOUT_SECONDS": "20",
        "EMBEDDING_TIMEOUT_SECONDS": "60",
        "INPUT_PRICE": "0.06",
        "OUTPUT_PRICE": "0.24",
        "TIMEOUT_MS": "60000",
    }


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "aws" in request.fixturenames or "knowledge" in request.fixturenames:
        running: LocalAws = request.getfixturevalue("aws")
        running.control("bedrock/reset")
