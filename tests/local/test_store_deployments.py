"""The Knowledge stack on every store: deployed, filled, replaced by the next, destroyed, by the
real CLI.

One engine, one stack, one store after the other, so that each step is also the replacement of what
was there, with a document in it. The custom resources of the stores run as they are deployed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.session import LocalAws, LocalAwsError
from local.stores import valkey_servers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("store-deployments")]

STACK, DOCUMENTS = "Groundwork-dev-Knowledge", "Groundwork-dev-Documents"
DOCUMENT = "The lighthouse keeper of Aldermere counts seven herons every morning."
LONGEST_SECONDS = 180
OUTSIDE = {
    "pinecone": "https://chunks.svc.pinecone.io",
    "redis_enterprise_cloud": "redis.example.com:12345",
}
STORES = (
    "opensearch_serverless",
    "s3_vectors",
    "aurora_postgresql",
    "opensearch_managed",
    "pinecone",
    "redis_enterprise_cloud",
)


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An engine that nobody else looks at, and a document in its bucket."""
    with LocalAws(state=tmp_path_factory.mktemp("stores") / "state") as running:
        running.cdk("deploy", DOCUMENTS)
        running.client("s3").put_object(
            Bucket=running.outputs(DOCUMENTS)["PreparedDocumentsBucketName"],
            Key="herons.txt",
            Body=DOCUMENT.encode(),
        )
        yield running


def deploy(aws: LocalAws, store: str, *settings: str) -> dict[str, str]:
    """The stack's outputs."""
    chosen = ["-c", f"knowledge.vector_store={store}", *settings]
    if store in OUTSIDE:
        made = aws.client("secretsmanager").create_secret(
            Name=store, SecretString='{"apiKey": "k"}'
        )
        chosen += ["-c", f"knowledge.secret_arn={made['ARN']}"]
        chosen += ["-c", f"knowledge.endpoint={OUTSIDE[store]}"]
    aws.cdk("deploy", STACK, *chosen)
    return aws.outputs(STACK)


def knowledge_bases(aws: LocalAws) -> list[str]:
    found = aws.client("bedrock-agent").list_knowledge_bases()["knowledgeBaseSummaries"]
    return [each["knowledgeBaseId"] for each in found]


def not_deleted(aws: LocalAws) -> list[str]:
    """What CloudFormation left behind against its will."""
    events = aws.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    return [
        f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}"
        for each in events
        if each["ResourceStatus"] == "DELETE_FAILED"
    ]


def fill(aws: LocalAws, outputs: dict[str, str]) -> None:
    """Ingest what is in the bucket, and leave the stack's own function nothing to do.

    It would look once more, for the deployment, and a data source is not deleted meanwhile.
    """
    agent = aws.client("bedrock-agent")
    source = {
        "knowledgeBaseId": outputs["KnowledgeBaseId"],
        "dataSourceId": outputs["DataSourceId"],
    }
    try:
        agent.start_ingestion_job(**source)
    except ClientError as error:  # the function was quicker
        assert error.response["Error"]["Code"] == "ConflictException"
    aws.client("sqs").purge_queue(QueueUrl=outputs["IngestionQueueUrl"])
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        jobs = agent.list_ingestion_jobs(**source)["ingestionJobSummaries"]
        assert "FAILED" not in {each["status"] for each in jobs}
        if all(each["status"] == "COMPLETE" for each in jobs):
            return
        time.sleep(0.5)
    pytest.fail(f"ingestion goes on after {LONGEST_SECONDS} seconds: {jobs}")


def texts(aws: LocalAws, outputs: dict[str, str]) -> list[Any]:
    found = aws.client("bedrock-agent-runtime").retrieve(
        knowledgeBaseId=outputs["KnowledgeBaseId"],
        retrievalQuery={"text": "How many herons does the keeper count?"},
        retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 3}},
    )
    return [each["content"]["text"] for each in found["retrievalResults"]]


def test_a_first_deployment_that_fails_leaves_nothing_and_can_be_done_again(
    own_aws: LocalAws,
) -> None:
    """In a stage that keeps its data: whoever creates the index is not let in."""
    kept = ("knowledge.retain_data=true", "knowledge.customer_key=true")
    somebody = "knowledge.deploying_role=somebody-else"
    chosen = [part for each in (*kept, somebody) for part in ("-c", each)]
    with pytest.raises(LocalAwsError, match="Groundwork-dev-Knowledge"):
        deploy(own_aws, "opensearch_serverless", *chosen)
    assert own_aws.control("status")["stacks"][STACK] == "ROLLBACK_COMPLETE"
    search = own_aws.client("opensearchserverless")
    assert search.list_collections()["collectionSummaries"] == []
    for kind in ("encryption", "network"):
        assert search.list_security_policies(type=kind)["securityPolicySummaries"] == []
    assert search.list_access_policies(type="data")["accessPolicySummaries"] == []
    keys = own_aws.client("kms")
    found = [
        keys.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in keys.list_keys()["Keys"]
    ]
    states = [each["KeyState"] for each in found if each["Description"] == "Groundwork: vectors"]
    assert states == ["PendingDeletion"]
    assert deploy(own_aws, "s3_vectors")["VectorStore"] == "s3_vectors"


@pytest.mark.parametrize("store", STORES)
def test_each_store_is_deployed_filled_searched_and_replaced(own_aws: LocalAws, store: str) -> None:
    if store == "redis_enterprise_cloud" and valkey_servers.search_module() is None:
        pytest.skip("the search module is not installed: it is in requirements-models.txt")
    before = knowledge_bases(own_aws)
    outputs = deploy(own_aws, store)
    assert outputs["VectorStore"] == store
    # The one before is gone, its vectors and its store with it, and nothing was in the way.
    assert knowledge_bases(own_aws) == [outputs["KnowledgeBaseId"]]
    assert outputs["KnowledgeBaseId"] not in before
    assert not_deleted(own_aws) == []
    fill(own_aws, outputs)
    assert texts(own_aws, outputs) == [DOCUMENT]


def test_other_chunks_take_the_place_of_the_old_ones(own_aws: LocalAws) -> None:
    outputs = deploy(own_aws, "s3_vectors")
    held = own_aws.control("status")["stores"]
    assert len(held["indices"]) == 1, "all stores before are gone"
    assert "PostgreSQL" not in held["servers"]
    logs = own_aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/rds/")
    assert logs["logGroups"] == [], "nor does its log stay for ever"
    fill(own_aws, outputs)
    other = deploy(own_aws, "s3_vectors", "-c", "knowledge.chunking=none")
    assert other["KnowledgeBaseId"] == outputs["KnowledgeBaseId"]
    assert other["DataSourceId"] != outputs["DataSourceId"]
    assert not_deleted(own_aws) == []
    fill(own_aws, other)
    assert texts(own_aws, other) == [DOCUMENT]


def test_vectors_that_are_kept_are_there_when_the_stack_is_not(own_aws: LocalAws) -> None:
    fill(own_aws, deploy(own_aws, "s3_vectors", "-c", "knowledge.retain_data=true"))
    own_aws.cdk("destroy", STACK, "--exclusively")
    assert own_aws.control("status")["stacks"][STACK] == "DELETE_COMPLETE"
    assert knowledge_bases(own_aws) == []
    vectors = own_aws.client("s3vectors")
    kept = [
        vector
        for bucket in vectors.list_vector_buckets()["vectorBuckets"]
        for index in vectors.list_indexes(vectorBucketName=bucket["vectorBucketName"])["indexes"]
        for vector in vectors.list_vectors(indexArn=index["indexArn"])["vectors"]
    ]
    assert len(kept) == 1


def test_an_aurora_that_is_kept_is_deployed_and_protected_once_it_is_recorded(
    own_aws: LocalAws,
) -> None:
    def protected() -> tuple[bool, bool]:
        found = own_aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        (cluster,) = own_aws.client("rds").describe_db_clusters()["DBClusters"]
        return found["EnableTerminationProtection"], cluster["DeletionProtection"]

    outputs = deploy(own_aws, "aurora_postgresql", "-c", "knowledge.retain_data=true")
    fill(own_aws, outputs)
    assert texts(own_aws, outputs) == [DOCUMENT]
    assert protected() == (False, False)
    recorded = ("-c", f"knowledge.deployed={outputs['Identity']}")
    deploy(own_aws, "aurora_postgresql", "-c", "knowledge.retain_data=true", *recorded)
    assert protected() == (True, True)
