"""Pitfalls of AppSync and DataStore, 17 to 23: each has a test named after it."""

from __future__ import annotations

import copy
import re

import pytest

from stacks.settings import SettingsError, load_settings
from tests.stacks import checks_access, checks_offline, checks_versioned_tables
from tests.stacks.checks_versioned_tables import RESOLVER, ROLE, SOURCE, STEP, versioned
from tests.stacks.reading import Template, resources
from tests.stacks.synthesis import REPOSITORY, VARIANTS, context


@pytest.fixture(params=sorted(VARIANTS))
def offline(request, templates):
    return copy.deepcopy(templates[request.param]["Offline"])


def test_pitfall_17_the_data_sources_role_covers_the_delta_table(offline: Template) -> None:
    assert versioned(offline)
    assert checks_versioned_tables.check_sources_are_versioned(offline) == []
    assert checks_versioned_tables.check_sources_may_reach_their_tables(offline) == []
    roles = {checks_versioned_tables.role_of(source) for source in versioned(offline).values()}
    assert len(roles) == len(versioned(offline)), "a role per data source"


def test_pitfall_18_the_delta_table_is_as_appsync_writes_it_and_times_are_minutes(
    offline: Template,
) -> None:
    assert checks_versioned_tables.check_delta_table(offline) == []
    assert checks_versioned_tables.check_tables(offline) == []
    (delta,) = {
        (
            source["DynamoDBConfig"]["DeltaSyncConfig"]["DeltaSyncTableTTL"],
            source["DynamoDBConfig"]["DeltaSyncConfig"]["BaseTableTTL"],
        )
        for source in versioned(offline).values()
    }
    assert delta == ("1440", "43200")


def test_pitfall_18_deletions_are_not_forgotten_before_changes() -> None:
    with pytest.raises(SettingsError, match=r"tombstone_minutes \(2000\) is less than"):
        load_settings(
            context({"offline.tombstone_minutes": "2000", "offline.delta_minutes": "3000"})
        )


def test_pitfall_19_synchronisation_is_a_sync_request_in_javascript(offline: Template) -> None:
    assert checks_versioned_tables.check_synchronisation(offline) == []
    for step in resources(offline, STEP).values():
        if step["Name"].endswith("_sync"):
            assert not re.search(r"\bquery\b|basePartitionKey|deltaIndexName", step["Code"])


def test_pitfall_20_resolvers_keep_to_the_runtime_and_hand_the_item_over(
    offline: Template,
) -> None:
    """The language itself is judged by AWS's plugin, in tests/offline/test_appsync_js.py."""
    assert checks_offline.check_runtime(offline) == []
    forbidden = re.compile(r"\b(async|await|class|while|continue|try|this|require)\b|\+\+|--\w")
    for kind in (STEP, RESOLVER):
        for name, each in resources(offline, kind).items():
            code = re.sub(r"/\*.*?\*/|//[^\n]*|'[^'\n]*'", "", each["Code"], flags=re.DOTALL)
            assert not forbidden.search(code), name


def test_pitfall_21_a_change_without_a_version_never_overwrites(offline: Template) -> None:
    assert checks_versioned_tables.check_versions_are_asked(offline) == []
    text = (REPOSITORY / "appsync_src" / "api.graphql").read_text()
    for kind in ("Update", "Delete"):
        inputs = re.findall(rf"input {kind}\w+Input {{[^}}]*}}", text)
        assert inputs
        assert all("_version: Int" in each for each in inputs)


def test_pitfall_22_every_strategy_is_there_and_the_handler_may_be_invoked(
    offline: Template,
) -> None:
    assert checks_versioned_tables.check_conflicts(offline) == []
    (handler,) = {
        str(step["SyncConfig"]["LambdaConflictHandlerConfig"])
        for step in resources(offline, STEP).values()
        if step.get("SyncConfig", {}).get("ConflictHandler") == "LAMBDA"
    }
    assert "Live" in handler, "the alias, whose version is the one that is deployed"


def test_pitfall_23_nobody_writes_to_the_tables_but_by_mutations(templates) -> None:
    """Not in this stack and, as nothing of the tables is exported, in no other."""
    for variant in VARIANTS:
        stacks = templates[variant]
        assert checks_versioned_tables.check_nobody_else_writes(stacks["Offline"]) == []
        assert not any("Export" in each for each in stacks["Offline"]["Outputs"].values())
        assert not any(
            "Table" in name and "Offline" in str(value)
            for name, stack in stacks.items()
            if name != "Offline"
            for value in resources(stack, ROLE).values()
        )


def test_the_api_is_no_more_open_in_prod(templates) -> None:
    (api,) = resources(templates["prod"]["Offline"], checks_offline.API).values()
    assert api["IntrospectionConfig"] == "DISABLED"
    assert api["AdditionalAuthenticationProviders"] == [{"AuthenticationType": "AWS_IAM"}]
    assert not resources(templates["prod"]["Offline"], checks_offline.KEY)
    assert resources(templates["prod"]["Offline"], checks_offline.FIREWALL)
    (pool,) = resources(templates["prod"]["Offline"], checks_offline.POOL).values()
    assert pool["MfaConfiguration"] == "ON"
    assert pool["DeletionProtection"] == "ACTIVE"


def test_a_new_model_is_a_new_data_source(offline: Template) -> None:
    """Names of data sources are in the keys of the delta table, so they have to stay."""
    names = {source["Name"] for source in resources(offline, SOURCE).values()}
    assert names == {"Site", "WorkOrder", "Note", "Nothing"}


def test_access_rules_know_users_of_one_pool_only(offline: Template) -> None:
    assert checks_access.check_trusts(offline) == []
