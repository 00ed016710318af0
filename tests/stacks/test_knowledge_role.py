"""What Bedrock does in the name of the knowledge base's role, and what the role lets it do.

Nothing that runs here tries these rights: the local AWS evaluates no IAM, and AWS refuses at the
first document or question, long after the deployment. So they are written down once more, feature
by feature, as the documentation has them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from stacks.settings import load_settings
from stacks.settings_documents import DocumentsSettings
from stacks.settings_knowledge import KnowledgeSettings
from stacks.settings_vector_stores import OUTSIDE
from tests.stacks.checks_assistant import environment
from tests.stacks.checks_knowledge import ROLE, allowed, role_of_knowledge_base
from tests.stacks.knowledge_synthesis import STORES, overrides
from tests.stacks.reading import Template, as_list, resources, statements, text
from tests.stacks.synthesis import VARIANTS, context

pytestmark = pytest.mark.xdist_group("knowledge templates")

SEARCH_CALLS = {f"es:ESHttp{each}" for each in ("Delete", "Get", "Head", "Post", "Put")}
VECTOR_CALLS = {
    f"s3vectors:{each}"
    for each in ("DeleteVectors", "GetIndex", "GetVectors", "PutVectors", "QueryVectors")
}
TABLE_CALLS = {"rds-data:BatchExecuteStatement", "rds-data:ExecuteStatement"}
SECRET = "secretsmanager:GetSecretValue"
ASSOCIATE = "bedrock:AssociateThirdPartyKnowledgeBase"


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Actions that Bedrock needs on resources whose ARN has `on` in it, where settings ask."""

    asked: Callable[[KnowledgeSettings], bool]
    actions: set[str]
    on: Callable[[KnowledgeSettings], str]


def store(name: str, actions: set[str], on: str) -> Duty:
    return Duty(asked=lambda s: s.vector_store == name, actions=actions, on=lambda _: on)


def read_by(parsing: str, actions: set[str], on: Callable[[KnowledgeSettings], str]) -> Duty:
    return Duty(asked=lambda s: s.parsing == parsing, actions=actions, on=on)


# https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html,
# https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-prereq.html and, for domains,
# https://docs.aws.amazon.com/bedrock/latest/userguide/kb-osm-permissions-slr-rbp.html
DUTIES: Mapping[str, Duty] = {
    "embedding": Duty(
        asked=lambda _: True,
        actions={"bedrock:InvokeModel"},
        on=lambda s: f":foundation-model/{s.embedding.model_id}",
    ),
    "documents": Duty(
        asked=lambda _: True, actions={"s3:GetObject", "s3:ListBucket"}, on=lambda _: "Prepared"
    ),
    "reading by a model": read_by(
        "foundation_model", {"bedrock:InvokeModel"}, lambda s: s.parsing_model
    ),
    "reading by Data Automation": read_by(
        "data_automation",
        {"bedrock:InvokeDataAutomationAsync", "bedrock:GetDataAutomationStatus"},
        lambda _: ":data-automation-",
    ),
    "reranking": Duty(
        asked=lambda s: bool(s.rerank_model), actions={"bedrock:Rerank"}, on=lambda _: "*"
    ),
    "the reranker": Duty(
        asked=lambda s: bool(s.rerank_model),
        actions={"bedrock:InvokeModel"},
        on=lambda s: f":foundation-model/{s.rerank_model}",
    ),
    "a collection": store("opensearch_serverless", {"aoss:APIAccessAll"}, "Collection"),
    "a domain": store("opensearch_managed", SEARCH_CALLS, ":domain/"),
    "what a domain is": store("opensearch_managed", {"es:DescribeDomain"}, ":domain/"),
    "a table": store("aurora_postgresql", TABLE_CALLS, "Cluster"),
    "what a cluster is": store("aurora_postgresql", {"rds:DescribeDBClusters"}, "Cluster"),
    "the table's user": store("aurora_postgresql", {SECRET}, "User"),
    "an index of vectors": store("s3_vectors", VECTOR_CALLS, "Index"),
    "the key of an index": Duty(
        asked=lambda s: s.vector_store == "s3_vectors" and s.customer_key,
        actions={"kms:Decrypt", "kms:GenerateDataKey"},
        on=lambda _: "Key",
    ),
    "Pinecone's key": store("pinecone", {SECRET}, ":secret:"),
    "Redis's user": store("redis_enterprise_cloud", {SECRET}, ":secret:"),
    # https://docs.aws.amazon.com/bedrock/latest/userguide/encryption-kb.html
    "the key of a secret": Duty(
        asked=lambda s: s.vector_store in OUTSIDE and bool(s.secret_key_arn),
        actions={"kms:Decrypt"},
        on=lambda s: s.secret_key_arn,
    ),
    # https://docs.aws.amazon.com/bedrock/latest/userguide/kb-create-security.html
    "a third party": Duty(
        asked=lambda s: s.vector_store in OUTSIDE, actions={ASSOCIATE}, on=lambda _: "*"
    ),
}
DOCUMENTS_KEY = {"kms:Decrypt"}


def asked(settings: KnowledgeSettings) -> Mapping[str, Duty]:
    return {name: duty for name, duty in DUTIES.items() if duty.asked(settings)}


def missing(settings: KnowledgeSettings, template: Template) -> Iterator[str]:
    given = list(allowed(template, role_of_knowledge_base(template)))
    for name, duty in asked(settings).items():
        part = duty.on(settings)
        for action in duty.actions:
            if not any(action in actions and part in " ".join(on) for actions, on in given):
                yield name


def needless(
    settings: KnowledgeSettings, documents: DocumentsSettings, template: Template
) -> set[str]:
    wanted = {action for duty in asked(settings).values() for action in duty.actions}
    wanted |= DOCUMENTS_KEY if documents.customer_key else set()
    given = {
        action
        for actions, _ in allowed(template, role_of_knowledge_base(template))
        for action in actions
    }
    return given - wanted


@pytest.mark.parametrize("variant", STORES)
def test_the_role_lets_bedrock_do_what_was_chosen_and_no_more(stores, variant: str) -> None:
    settings = load_settings(context(overrides(variant)))
    assert list(missing(settings.knowledge, stores[variant])) == []
    assert needless(settings.knowledge, settings.documents, stores[variant]) == set()


def without(duty: Duty, settings: KnowledgeSettings, template: Template) -> Template:
    """The template whose role lacks what a duty needs."""
    poorer = copy.deepcopy(template)
    for policy in resources(poorer, ROLE)[role_of_knowledge_base(poorer)]["Policies"]:
        for statement in statements(policy["PolicyDocument"]):
            if duty.on(settings) in " ".join(map(text, as_list(statement["Resource"]))):
                statement["Action"] = sorted({*as_list(statement["Action"])} - duty.actions)
    return poorer


def test_every_right_that_is_taken_away_is_missed(stores) -> None:
    tried = set()
    for variant, template in stores.items():
        settings = load_settings(context(overrides(variant))).knowledge
        for name, duty in asked(settings).items():
            assert name not in set(missing(settings, template))
            assert name in set(missing(settings, without(duty, settings, template))), variant
            tried.add(name)
    assert tried == set(DUTIES)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_role_may_rerank_with_what_the_function_asks_for(templates, variant: str) -> None:
    """Retrieve reranks in the name of the knowledge base, by the model that its caller names."""
    knowledge, assistant = (templates[variant][each] for each in ("Knowledge", "Assistant"))
    model = text(environment(assistant).get("RERANK_MODEL_ARN", ""))
    given = list(allowed(knowledge, role_of_knowledge_base(knowledge)))
    may_rerank = any("bedrock:Rerank" in actions for actions, _ in given)
    assert may_rerank == bool(model)
    assert not model or any("bedrock:InvokeModel" in acts and model in on for acts, on in given)
