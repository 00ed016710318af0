"""The knowledge stack with every vector store: rules, snapshots, mutations, settings."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from stacks.constructs.vector_stores.vector_store import VectorStoreInputs
from stacks.settings import SettingsError, load_settings
from stacks.settings_knowledge import KnowledgeSettings
from stacks.vector_index import DEFAULT_HNSW
from tests.built_once import REPOSITORY
from tests.stacks import checks_knowledge, checks_vector_stores
from tests.stacks.checks import CHECKS, STORE_CHECKS
from tests.stacks.knowledge_synthesis import STORES, store_of
from tests.stacks.mutating import Mutation
from tests.stacks.mutations_knowledge import STORE_MUTATIONS
from tests.stacks.reading import resources
from tests.stacks.synthesis import context
from tests.stacks.test_snapshots import normalised

pytestmark = pytest.mark.xdist_group("knowledge templates")

SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:abc-AbCdEf"
RULES = (*CHECKS["Knowledge"], *STORE_CHECKS)


@pytest.mark.parametrize("variant", STORES)
def test_every_rule_holds_for_every_store(stores, variant: str) -> None:
    found = {check.__name__: check(stores[variant]) for check in RULES}
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize("variant", [each for each in STORES if each == store_of(each)])
def test_template_is_the_accepted_one(stores, snapshot, variant: str) -> None:
    accepted = snapshot.use_extension(JSONSnapshotExtension)
    assert normalised(stores[variant]) == accepted


@pytest.mark.parametrize("variant", [each for each in STORES if each != store_of(each)])
def test_what_another_choice_changes_is_the_accepted_change(stores, snapshot, variant: str) -> None:
    """Only that, or the whole would be accepted twice for each store."""
    before, after = (normalised(stores[each])["Resources"] for each in (store_of(variant), variant))
    changed = {name: differing(before.get(name, {}), after[name]) for name in after}
    found = {
        "changed": {name: each for name, each in changed.items() if each},
        "gone": sorted(set(before) - set(after)),
    }
    assert found == snapshot.use_extension(JSONSnapshotExtension)


def differing(before: Any, after: Any) -> Any:
    """The members of `after` that are not in `before`; what is no mapping is told as it is."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    missing = {name: None for name in before if name not in after}
    return missing | {
        name: differing(before.get(name), after[name])
        for name in after
        if before.get(name) != after[name]
    }


@pytest.mark.parametrize(
    ("variant", "mutate", "rule"),
    [
        pytest.param(variant, mutate, rule, id=f"{variant}-{name}".replace(" ", "-"))
        for variant, cases in STORE_MUTATIONS.items()
        for name, mutate, rule in cases
    ],
)
def test_mutation_is_found(stores, variant: str, mutate: Mutation, rule: str) -> None:
    template = copy.deepcopy(stores[variant])
    mutate(template)
    assert template != stores[variant]
    assert rule in {check.__name__ for check in RULES if check(template)}


def test_every_rule_for_stores_is_tried() -> None:
    tried = {rule for cases in STORE_MUTATIONS.values() for _, _, rule in cases}
    assert {check.__name__ for check in STORE_CHECKS} <= tried


def test_every_store_has_its_own_configuration(stores) -> None:
    kinds = {
        store_of(variant): checks_knowledge.knowledge_base(template)[1]["StorageConfiguration"][
            "Type"
        ]
        for variant, template in stores.items()
    }
    assert kinds == {
        "opensearch_serverless": "OPENSEARCH_SERVERLESS",
        "opensearch_managed": "OPENSEARCH_MANAGED_CLUSTER",
        "aurora_postgresql": "RDS",
        "s3_vectors": "S3_VECTORS",
        "pinecone": "PINECONE",
        "redis_enterprise_cloud": "REDIS_ENTERPRISE_CLOUD",
    }


def test_only_the_chosen_stores_module_is_imported() -> None:
    """Each brings a part of aws-cdk-lib along, which takes synth a tenth of a second or more."""
    stores = "stacks.constructs.vector_stores."
    named = (stores, "aws_cdk.aws_rds", "aws_cdk.aws_opensearch")
    code = (
        "import json, sys, app; "
        f"print(json.dumps([name for name in sys.modules if name.startswith({named})]))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert set(json.loads(outcome.stdout)) <= {
        f"{stores}setup_function",
        f"{stores}vector_store",
    }


def test_graph_parameters_come_from_one_place(stores) -> None:
    (index,) = resources(stores["opensearch_serverless kept"], checks_vector_stores.INDEX).values()
    (field,) = (each for each in index["Mappings"]["Properties"].values() if "Method" in each)
    (schema,) = resources(stores["aurora_postgresql"], "Custom::PostgresSchema").values()
    (search,) = resources(stores["opensearch_managed"], "Custom::SearchIndex").values()
    graph = DEFAULT_HNSW
    assert field["Method"]["Parameters"] == {"M": graph.m, "EfConstruction": graph.ef_construction}
    assert index["Settings"]["Index"]["KnnAlgoParamEfSearch"] == graph.ef_search
    assert (schema["M"], schema["EfConstruction"], schema["EfSearch"]) == (
        graph.m,
        graph.ef_construction,
        graph.ef_search,
    )
    assert f'"ef_search": {graph.ef_search}' in search["Body"]


def test_a_private_collection_is_reached_by_bedrock_and_one_endpoint(stores) -> None:
    policies = resources(stores["opensearch_serverless kept"], checks_vector_stores.SECURITY)
    (network,) = (each for each in policies.values() if each["Type"] == "network")
    document = checks_vector_stores.text(network["Policy"])
    assert '"AllowFromPublic":false' in document
    assert '"SourceVPCEs":["vpce-0123456789abcdef0"]' in document
    assert '"SourceServices":["bedrock.amazonaws.com"]' in document


def test_the_deploying_role_is_named_by_setting_or_by_the_bootstrap(stores) -> None:
    def roles(variant: str) -> str:
        (policy,) = resources(stores[variant], checks_vector_stores.ACCESS).values()
        return checks_vector_stores.text(policy["Policy"])

    assert ":role/deploys/everything" in roles("opensearch_serverless kept")
    assert "role/cdk-hnb659fds-cfn-exec-role-<AWS::AccountId>-<AWS::Region>" in roles(
        "opensearch_serverless"
    )


# Settings


def refused(**values: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(context({f"knowledge.{name}": value for name, value in values.items()}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"embedding_dimension": 700}, "set 1024 or 512 or 256, or 0"),
        (
            {"embedding_model": "cohere.embed-english-v3", "chunk_tokens": 1000},
            r"exceeds what cohere.embed-english-v3 reads \(512\)",
        ),
        ({"chunking": "hierarchical", "chunk_tokens": 2000}, "lower the first or raise"),
        (
            {
                "vector_store": "s3_vectors",
                "chunking": "hierarchical",
                "chunk_tokens": 1000,
                "parent_tokens": 7500,
            },
            "come to 8500, but vector_store is s3_vectors.*lower them, or set chunking to fixed",
        ),
        (
            {"parsing": "foundation_model"},
            "claude-sonnet-5-5 is only to be had through an inference profile: "
            "set parsing_profile to us or eu or global",
        ),
        (
            {"parsing": "foundation_model", "parsing_profile": "jp"},
            "has no inference profile jp: set us or eu or global",
        ),
        ({"parsing_profile": "eu"}, "parsing is text: set parsing to foundation_model"),
        (
            {"vector_store": "opensearch_serverless", "serverless_generation": "nextgen"},
            "answer them 403: set it to classic, or vector_store to s3_vectors.*confirm_nextgen",
        ),
        ({"serverless_max_capacity": 10}, "set 2, 4, 8, or a multiple of 16"),
        ({"serverless_max_capacity": 1}, "at least 2, at most 1696"),
        ({"vector_store": "pinecone"}, "secret_arn is empty"),
        ({"vector_store": "redis_enterprise_cloud"}, "endpoint is empty"),
        ({"secret_arn": "password"}, "knowledge.secret_arn"),
        ({"secret_key_arn": "arn:aws:kms:eu-west-1:111122223333:alias/x"}, "secret_key_arn"),
        (
            {"vector_store": "opensearch_serverless", "serverless_vpc_endpoint": "vpce-0123"},
            "deployed is empty, .*Deploy without serverless_vpc_endpoint, set deployed to",
        ),
        ({"vector_store": "chroma"}, "opensearch_serverless"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(values: dict[str, object], said: str) -> None:
    assert re.search(said, refused(**values))


def made(**values: object) -> KnowledgeSettings:
    return KnowledgeSettings.model_validate({"retain_data": False, **values})


REPLACING: tuple[dict[str, object], ...] = (
    {"vector_store": "s3_vectors"},
    {"embedding_dimension": 512},
    {"embedding_model": "cohere.embed-english-v3"},
    {"serverless_generation": "nextgen", "confirm_nextgen": True},
    {"standby_replicas": False},
    {"hnsw_m": 32},
    {"customer_key": True},
    {"chunk_tokens": 200},
    {"chunking": "semantic"},
    {"parsing": "data_automation"},
)


@pytest.mark.parametrize("change", REPLACING, ids=lambda change: next(iter(change)))
def test_a_replacement_is_refused_unless_it_is_confirmed(change: dict[str, object]) -> None:
    deployed = made(retain_data=True).identity
    kept = {"retain_data": True, "deployed": deployed}
    assert made(**kept).identity == deployed
    wanted = made(retain_data=True, **change).identity
    assert wanted != deployed
    with pytest.raises(ValueError, match="the knowledge base would be replaced"):
        made(**kept, **change)
    assert made(**kept, **change, confirm_replacement=wanted).identity == wanted
    # A confirmation that was left over confirms nothing else.
    with pytest.raises(ValueError, match="would be replaced"):
        made(**kept, **change, confirm_replacement=deployed)


def synthesized(**values: str) -> tuple[list[str], bool]:
    """Warnings of the stack, and whether it is protected."""
    chosen = {f"knowledge.{name}": value for name, value in values.items()}
    code = (
        "import json, app, aws_cdk; "
        f"context = {{**json.load(open('cdk.json'))['context'], **{chosen}}}; "
        "cdk = aws_cdk.App(context=context); app.build(cdk); "
        "stack = cdk.node.find_child('Groundwork-dev-Knowledge'); "
        "said = [each.data for each in stack.node.metadata if each.type.endswith('warning')]; "
        "print(json.dumps([said, stack.termination_protection]))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return cast("tuple[list[str], bool]", tuple(json.loads(outcome.stdout)))


def test_synth_warns_where_what_is_kept_is_not_recorded_and_does_not_protect_it() -> None:
    """Or CloudFormation would refuse to delete what CDK makes anew when a first creation failed."""
    said, protected = synthesized(retain_data="true")
    identity = made(retain_data=True, vector_store="s3_vectors").identity
    assert any(f"set knowledge.deployed to {identity} in cdk.json" in each for each in said)
    assert not protected
    assert synthesized(retain_data="true", deployed=identity) == ([], True)


def test_what_is_protected_is_what_is_recorded(stores, templates) -> None:
    """And a replacement is not, until it is the one that is recorded."""
    settings = made(retain_data=True, deployed=made(retain_data=True).identity)
    assert (settings.protects_stack, settings.protects_store) == (True, True)
    wanted = made(retain_data=True, hnsw_m=32).identity
    replacing = made(**{**settings.model_dump(), "hnsw_m": 32, "confirm_replacement": wanted})
    assert (replacing.protects_stack, replacing.protects_store) == (True, False)
    assert not made(deployed=made().identity).protects_stack

    def protections(template: Any) -> list[Any]:
        kinds = (checks_vector_stores.COLLECTION, checks_vector_stores.CLUSTER)
        return [
            each.get("DeletionProtection")
            for kind in kinds
            for each in resources(template, kind).values()
        ]

    assert protections(stores["opensearch_serverless kept"]) == ["ENABLED"]
    assert protections(stores["aurora_postgresql kept"]) == [True]
    assert protections(templates["prod"]["Knowledge"]) == ["DISABLED"], "said, or it would stay"


@pytest.mark.parametrize(
    "change",
    [{"hnsw_ef_search": 64}, {"rerank_model": "amazon.rerank-v1:0"}, {"semantic_buffer": 0}],
)
def test_what_replaces_nothing_is_not_refused(change: dict[str, object]) -> None:
    deployed = made(retain_data=True).identity
    assert made(retain_data=True, deployed=deployed, **change).identity == deployed


def test_a_collection_is_closed_behind_the_index_that_is_there() -> None:
    deployed = made(retain_data=True).identity
    closed = {"retain_data": True, "serverless_vpc_endpoint": "vpce-0123", "deployed": deployed}
    assert made(**closed).identity == deployed
    # Nor can a confirmed replacement make its index there.
    wanted = made(retain_data=True, hnsw_m=32).identity
    with pytest.raises(ValueError, match="is still to be made"):
        made(**closed, hnsw_m=32, confirm_replacement=wanted)


@pytest.mark.parametrize("store", ["opensearch_serverless", "pinecone"])
def test_chunks_share_an_index_only_with_their_like(store: str) -> None:
    """One that is kept is left as it is; in another, the data source takes its vectors along."""
    outside = {"endpoint": "https://x.io", "secret_arn": SECRET} if store == "pinecone" else {}

    def index(**values: object) -> str:
        settings = made(vector_store=store, **outside, **values)
        inputs = VectorStoreInputs(
            settings=settings,
            embedding=settings.embedding,
            setup_package=lambda: pytest.fail("needs no function"),
            vpc=cast("Any", None),
            subnets=cast("Any", None),
        )
        return f"{inputs.index_fingerprint()} {settings.identity}"

    kept = store != "pinecone"
    assert index() == index(chunk_tokens=200) == index(parsing="data_automation")
    assert (index(retain_data=True) == index(retain_data=True, chunk_tokens=200)) != kept


def test_prod_has_the_store_that_is_documented_and_keeps_it() -> None:
    prod = load_settings(context({"stage": "prod"})).knowledge
    assert prod.retain_data
    assert not prod.deployed, "nothing is, where this is cloned"
    assert prod.serverless_generation == "classic"
    assert Path(REPOSITORY / "docs" / "decisions" / "0005-vector-store.md").exists()
