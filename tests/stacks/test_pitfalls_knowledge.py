"""Pitfalls of knowledge bases and vector stores, 24 to 38: each has a test named after it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from tests.stacks import checks_access, checks_knowledge, checks_vector_stores
from tests.stacks.checks_knowledge import BASE, SOURCE, knowledge_base
from tests.stacks.checks_vector_stores import (
    ACCESS,
    ADMITTED,
    COLLECTION,
    COLLECTION_GROUP,
    DOMAIN,
    INDEX,
    VECTORS,
    permissions_of,
)
from tests.stacks.knowledge_synthesis import STORES
from tests.stacks.reading import Template, resources, text
from tests.stacks.synthesis import REPOSITORY, VARIANTS

pytestmark = pytest.mark.xdist_group("knowledge templates")

SEARCHED = [name for name in STORES if name.startswith("opensearch_serverless")]


def test_pitfall_24_index_and_knowledge_base_wait_until_they_are_let_in(stores) -> None:
    """For what is told to the function that asks, see tests/lambdas/test_vector_store.py."""
    for variant in SEARCHED:
        template = stores[variant]
        assert checks_vector_stores.check_index_waits_until_its_maker_is_admitted(template) == []
        assert checks_knowledge.check_store_comes_first(template) == []
        probes = resources(template, ADMITTED)
        assert {probe["Expects"] for probe in probes.values()} == {"access", "index"}
    # Who asks is named in the very policy that is waited for.
    template = stores["opensearch_serverless"]
    (function,) = (
        each
        for each in resources(template, "AWS::Lambda::Function").values()
        if each["Handler"].startswith("vector_store.")
    )
    assert permissions_of(template, text(function["Role"])) == {"aoss:DescribeIndex"}


def test_pitfall_25_the_role_that_deploys_may_create_and_delete_the_index(stores) -> None:
    for variant in SEARCHED:
        assert checks_vector_stores.check_data_access(stores[variant]) == []
        # Deletion: the index goes first, while the policy still names who deletes it.
        for index in resources(stores[variant], INDEX):
            earlier = checks_knowledge.before(stores[variant], index)
            assert set(resources(stores[variant], ACCESS)) <= earlier
            assert set(resources(stores[variant], COLLECTION)) <= earlier


def test_pitfall_26_names_are_short_and_the_stacks_own(stores) -> None:
    for template in stores.values():
        assert checks_vector_stores.check_search_names(template) == []


def test_pitfall_27_the_role_is_for_knowledge_bases_of_this_account(stores) -> None:
    for template in stores.values():
        assert checks_knowledge.check_role_is_for_knowledge_bases(template) == []


def test_pitfall_28_permissions_are_there_as_soon_as_the_role_is(stores) -> None:
    for template in stores.values():
        assert checks_access.check_policies_come_with_the_role(template) == []


def test_pitfall_29_the_index_takes_the_models_vectors(stores) -> None:
    dimensions = set()
    for template in stores.values():
        assert checks_knowledge.check_dimension(template) == []
        assert checks_vector_stores.check_search_index(template) == []
        dimensions |= {found for _, found in checks_knowledge.dimensions_kept(template)}
    assert dimensions == {1024, 512, 256}


def test_pitfall_30_a_replacement_finds_no_name_taken(
    stores: Mapping[str, Template], templates
) -> None:
    """That it is refused unless confirmed is in test_knowledge.py."""
    named = {knowledge_base(template)[1]["Name"] for template in stores.values()}
    assert len(named) == len(stores)
    sources = {
        source["Name"]
        for template in stores.values()
        for source in resources(template, SOURCE).values()
    }
    assert len(sources) >= 5, "another way of chunking or parsing is another name"
    for variant in VARIANTS:
        template = templates[variant]["Knowledge"]
        assert checks_knowledge.check_names_change_with_what_is_replaced(template) == []


def test_pitfall_30_another_key_is_another_domain(stores) -> None:
    """CloudFormation can only replace a domain whose key changes, and not under its name."""

    def of(variant: str) -> tuple[str, str]:
        (domain,) = resources(stores[variant], DOMAIN).values()
        return text(domain["DomainName"]), checks_knowledge.role_of_knowledge_base(stores[variant])

    same, other = of("opensearch_managed"), of("opensearch_managed kept")
    assert of("opensearch_managed smaller") == same
    assert all(this != that for this, that in zip(same, other, strict=True))
    # The index of the domain that is replaced is deleted with the rights of now.
    for variant in ("opensearch_managed", "opensearch_managed kept"):
        (function,) = (
            each
            for each in resources(stores[variant], checks_knowledge.FUNCTION).values()
            if each["Handler"].startswith("vector_store.")
        )
        role = re.fullmatch(r"<(\w+)\.Arn>", text(function["Role"]))
        assert role
        reached = [on for _, on in checks_knowledge.allowed(stores[variant], role.group(1))]
        assert any(path.endswith("}-*/*") for on in reached for path in on), reached


def test_pitfall_31_deletion_waits_for_nothing_that_is_gone(stores) -> None:
    """Vectors are deleted only where the store goes too, and goes last; what is kept keeps them."""
    for variant, template in stores.items():
        assert checks_knowledge.check_deletion(template) == []
        assert checks_knowledge.check_store_comes_first(template) == []
        (source,) = resources(template, SOURCE).values()
        wanted = "RETAIN" if variant.endswith("kept") else "DELETE"
        assert source["DataDeletionPolicy"] == wanted, variant


def test_pitfall_31_what_is_replaced_is_reached_until_its_vectors_are_gone(stores) -> None:
    """Changed in place, a role or policy would let Bedrock into the new store alone."""
    for part in ("AWS::IAM::Role", ACCESS):
        named = [
            name
            for variant, template in stores.items()
            if variant.split()[0] != "opensearch_managed"
            for name in resources(template, part)
            if part == ACCESS or name == checks_knowledge.role_of_knowledge_base(template)
        ]
        assert len(set(named)) == len(named) > 1
    # The name as well: CloudFormation makes the new policy while the old one is there.
    policies = [
        text(policy["Name"])
        for each in SEARCHED
        for policy in resources(stores[each], ACCESS).values()
    ]
    assert len(set(policies)) == len(policies)
    # A domain's policy names one role, which stays, and may use what it was given before.
    domains = [stores[each] for each in ("opensearch_managed", "opensearch_managed smaller")]
    assert len({checks_knowledge.role_of_knowledge_base(each) for each in domains}) == 1
    for template in domains:
        role = checks_knowledge.role_of_knowledge_base(template)
        paths = [one for _, on in checks_knowledge.allowed(template, role) for one in on]
        assert any(path.endswith("/chunks-*") for path in paths)


def test_pitfall_32_events_wait_in_one_queue_for_one_function(templates) -> None:
    """What the function does while a job runs is in tests/lambdas."""
    for variant in VARIANTS:
        template = templates[variant]["Knowledge"]
        (mapping,) = resources(template, "AWS::Lambda::EventSourceMapping").values()
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["MaximumBatchingWindowInSeconds"] >= 1
        assert mapping["ScalingConfig"]["MaximumConcurrency"] == 2, "the least there is"
        callers = [
            name
            for name, role in resources(template, checks_knowledge.ROLE).items()
            if "bedrock:StartIngestionJob" in json.dumps(role)
        ]
        assert len(callers) == 1


def test_pitfall_33_what_is_complete_may_not_be_found_at_once(stores) -> None:
    """Nothing in a template changes that; where stores are chosen, it is said."""
    document = (REPOSITORY / "docs" / "vector-stores.md").read_text()
    assert "is seen after about a minute" in document


def test_pitfall_34_text_and_metadata_are_not_filterable_in_s3_vectors(stores) -> None:
    for variant in ("s3_vectors", "s3_vectors kept"):
        (index,) = resources(stores[variant], VECTORS).values()
        keys = index["MetadataConfiguration"]["NonFilterableMetadataKeys"]
        assert sorted(keys) == ["AMAZON_BEDROCK_METADATA", "AMAZON_BEDROCK_TEXT"]
        assert checks_vector_stores.check_s3_vectors(stores[variant]) == []


def test_pitfall_35_logs_of_ingestion_need_no_resource_policy(stores, templates) -> None:
    for template in (*stores.values(), templates["prod"]["Knowledge"]):
        assert checks_knowledge.check_logs_of_ingestion(template) == []
    assert resources(templates["prod"]["Knowledge"], checks_knowledge.DELIVERY)


def test_pitfall_36_the_role_may_invoke_the_models_that_are_named_and_no_other(stores) -> None:
    for template in stores.values():
        assert checks_knowledge.check_role_may_embed(template) == []


def test_pitfall_37_an_endpoint_for_search_is_referred_to_not_made(stores) -> None:
    for template in stores.values():
        assert checks_vector_stores.check_no_search_endpoint_is_made(template) == []
    assert "vpce-0123456789abcdef0" in json.dumps(stores["opensearch_serverless kept"])


def test_pitfall_38_what_rests_costs_nothing_and_what_does_not_is_priced(templates) -> None:
    assert not resources(templates["dev"]["Knowledge"], COLLECTION), "rests at zero"
    for variant in ("prod", "keys"):
        template = templates[variant]["Knowledge"]
        assert checks_vector_stores.check_capacity(template) == []
        assert bool(resources(template, COLLECTION_GROUP)) == (variant == "keys")
        (collection,) = resources(template, COLLECTION).values()
        assert collection["StandbyReplicas"] == "ENABLED"
    costs = (REPOSITORY / "docs" / "vector-stores.md").read_text()
    assert re.search(r"classic.*standby.*350\.40", costs)


def test_a_knowledge_base_keeps_its_name_while_nothing_replaces_it(templates) -> None:
    (before,) = resources(templates["dev"]["Knowledge"], BASE).values()
    (after,) = resources(templates["other-code"]["Knowledge"], BASE).values()
    assert before == after
