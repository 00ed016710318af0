"""Synthesize the knowledge stack with every vector store, in one process.

As `synthesis` does for the whole app, but with a bucket, a network and a topic alone around it: six
stores times two would make whole apps expensive.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
OUTSIDE = {
    "knowledge.secret_arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:abc-AbCdEf"
}
KEPT = {"knowledge.retain_data": "true", "knowledge.customer_key": "true"}

# Variant -> overrides on top of cdk.json's dev stage. The first word is the store.
STORES: Mapping[str, Mapping[str, Any]] = {
    "opensearch_serverless": {
        "knowledge.serverless_generation": "nextgen",
        "knowledge.confirm_nextgen": "true",
    },
    "opensearch_managed": {},
    "opensearch_managed smaller": {"knowledge.embedding_dimension": "256"},
    "aurora_postgresql": {},
    "s3_vectors": {},
    "pinecone": {
        **OUTSIDE,
        "knowledge.secret_key_arn": "arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-5e6f",
        "knowledge.endpoint": "https://chunks-1.svc.pinecone.io",
    },
    "redis_enterprise_cloud": {**OUTSIDE, "knowledge.endpoint": "redis-1.example.com:12000"},
    "opensearch_serverless kept": {
        **KEPT,
        "knowledge.serverless_generation": "classic",
        "knowledge.serverless_vpc_endpoint": "vpce-0123456789abcdef0",
        "knowledge.deploying_role": "deploys/everything",
        "knowledge.chunking": "hierarchical",
        "knowledge.parsing": "foundation_model",
        "knowledge.parsing_profile": "eu",
        "knowledge.ingestion_log": "true",
    },
    "opensearch_managed kept": {
        **KEPT,
        "knowledge.domain_nodes": "3",
        "knowledge.chunking": "semantic",
        "knowledge.embedding_dimension": "512",
    },
    "aurora_postgresql kept": {
        **KEPT,
        "knowledge.embedding_model": "cohere.embed-multilingual-v3",
        "knowledge.parsing": "data_automation",
        "knowledge.inclusion_prefix": "manuals/",
    },
    "s3_vectors kept": {
        **KEPT,
        "knowledge.embedding_dimension": "256",
        "knowledge.chunking": "none",
        "knowledge.rerank_model": "amazon.rerank-v1:0",
        "documents.customer_key": "true",
    },
}


def store_of(variant: str) -> str:
    return variant.split()[0]


def overrides(variant: str) -> dict[str, Any]:
    """Everything that differs from dev, the record of what is deployed included."""
    from stacks.settings_knowledge import KnowledgeSettings

    chosen = {**STORES[variant], "knowledge.vector_store": store_of(variant)}
    if chosen.get("knowledge.retain_data") == "true":
        fields = {key.partition(".")[2]: value for key, value in chosen.items()}
        fields["standby_replicas"] = "false"
        fields.pop("serverless_vpc_endpoint", None)
        settings = KnowledgeSettings.model_validate(fields)
        chosen["knowledge.deployed"] = settings.identity
    return chosen


def synthesize(variant: str, directory: Path, **options: Any) -> None:
    """Write the cloud assembly of one variant; `options` go to the App."""
    from aws_cdk import App
    from aws_cdk import aws_sns as sns

    from stacks.documents_stack import DocumentsStack
    from stacks.function_bundling import bundle_function
    from stacks.judging import add_judges
    from stacks.knowledge_stack import KnowledgeStack
    from stacks.network_stack import NetworkStack
    from stacks.settings import load_settings
    from tests.stacks.synthesis import context

    chosen = {**context(overrides(variant)), **options.pop("context", {})}
    app = App(context=chosen, outdir=str(directory), analytics_reporting=False, **options)
    settings = load_settings(chosen)
    network = NetworkStack(app, "Groundwork-dev-Network", settings=settings)
    documents = DocumentsStack(app, "Groundwork-dev-Documents", settings=settings.documents)
    alarms = sns.Topic.from_topic_arn(
        documents, "Alarms", "arn:aws:sns:eu-west-1:111122223333:alarms"
    )
    KnowledgeStack(
        app,
        "Groundwork-dev-Knowledge",
        settings=settings,
        package=bundle_function,
        network=network.network,
        documents=documents.prepared_documents,
        alarm_topic=alarms,
    )
    add_judges(app)
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise


if __name__ == "__main__":
    target = Path(sys.argv[1])
    sys.path.insert(0, str(REPOSITORY))
    for each in STORES:
        synthesize(each, target / each, builtin_cloud_formation_validation=False)
