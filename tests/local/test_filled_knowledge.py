"""Documents that are there already get into a knowledge base that is new, and into a data source
that replaces another: nobody uploads anything, and the function follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.jobs_client import wait_for
from local.session import LocalAws

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("store-deployments")]

DOCUMENTS, STACK = "Groundwork-dev-Documents", "Groundwork-dev-Knowledge"
SECONDS = 120.0


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An engine that nobody else looks at."""
    with LocalAws(state=tmp_path_factory.mktemp("filled") / "state") as running:
        yield running


def indexed(aws: LocalAws, outputs: dict[str, Any]) -> int:
    found = aws.client("bedrock-agent").list_knowledge_base_documents(
        knowledgeBaseId=outputs["KnowledgeBaseId"], dataSourceId=outputs["DataSourceId"]
    )
    return sum(each["status"] == "INDEXED" for each in found["documentDetails"])


def test_what_is_there_is_ingested_after_every_deployment(own_aws: LocalAws) -> None:
    own_aws.cdk("deploy", DOCUMENTS)
    bucket = own_aws.outputs(DOCUMENTS)["PreparedDocumentsBucketName"]
    own_aws.client("s3").put_object(Bucket=bucket, Key="a.txt", Body=b"Zebras have stripes.")
    known: list[str] = []
    for chosen in ([], ["-c", "knowledge.chunk_tokens=200"]):
        own_aws.cdk("deploy", STACK, *chosen)
        outputs = own_aws.outputs(STACK)
        assert outputs["DataSourceId"] not in known
        known.append(outputs["DataSourceId"])
        assert wait_for(lambda now=outputs: indexed(own_aws, now), timeout=SECONDS) == 1
