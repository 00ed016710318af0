"""The Knowledge stack on every store: deployed, replaced by the next, destroyed, by the real CLI.

One engine, one stack, one store after the other, so that each step is also the replacement of what
was there. The custom resources of the stores run as they are deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.session import LocalAws
from local.stores import valkey_servers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("store-deployments")]

STACK = "Groundwork-dev-Knowledge"


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An engine that nobody else looks at."""
    with LocalAws(state=tmp_path_factory.mktemp("stores") / "state") as running:
        yield running


def outside(aws: LocalAws, name: str, endpoint: str) -> list[str]:
    """The settings of a store outside AWS."""
    made = aws.client("secretsmanager").create_secret(Name=name, SecretString='{"apiKey": "k"}')
    return [
        *("-c", f"knowledge.secret_arn={made['ARN']}"),
        *("-c", f"knowledge.endpoint={endpoint}"),
    ]


def test_each_store_is_deployed_used_replaced_and_destroyed(own_aws: LocalAws) -> None:
    stores: dict[str, list[str]] = {
        "opensearch_serverless": [],
        "s3_vectors": [],
        "aurora_postgresql": [],
        "opensearch_managed": [],
        "pinecone": outside(own_aws, "pinecone", "https://chunks.svc.pinecone.io"),
    }
    if valkey_servers.search_module() is not None:
        stores["redis_enterprise_cloud"] = outside(own_aws, "redis", "redis.example.com:12345")
    known: list[str] = []
    for store, settings in stores.items():
        chosen = ["-c", f"knowledge.vector_store={store}", *settings]
        own_aws.cdk("deploy", STACK, *chosen)
        outputs = own_aws.outputs(STACK)
        assert outputs["VectorStore"] == store
        bases = own_aws.client("bedrock-agent").list_knowledge_bases()["knowledgeBaseSummaries"]
        # The one before is gone, and its store with it
        assert [each["knowledgeBaseId"] for each in bases] == [outputs["KnowledgeBaseId"]]
        assert outputs["KnowledgeBaseId"] not in known
        known.append(outputs["KnowledgeBaseId"])
        answers(own_aws, outputs)
    held = own_aws.control("status")["stores"]
    assert held["indices"] == {}
    assert "PostgreSQL" not in held["servers"]
    own_aws.cdk("destroy", STACK, "--exclusively", *chosen)
    assert own_aws.client("bedrock-agent").list_knowledge_bases()["knowledgeBaseSummaries"] == []
    assert own_aws.control("status")["stacks"][STACK] == "DELETE_COMPLETE"


def answers(aws: LocalAws, outputs: dict[str, Any]) -> None:
    """The deployed store is open for a search: it is empty, and says so."""
    found = aws.client("bedrock-agent-runtime").retrieve(
        knowledgeBaseId=outputs["KnowledgeBaseId"],
        retrievalQuery={"text": "anything?"},
        retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 3}},
    )
    assert found["retrievalResults"] == []
