"""Prices have a source, and nothing that is deployed goes without one."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from costs.prices import FILE, all_prices, price

REPOSITORY = Path(__file__).parents[2]
CONTENT = json.loads(FILE.read_text())


def test_every_price_says_where_it_is_from_and_of_when() -> None:
    names = [entry["name"] for entry in CONTENT["prices"]]
    assert len(names) == len(set(names)) == len(all_prices())
    for entry in all_prices().values():
        assert entry.source.startswith("https://aws.amazon.com/") and "pricing" in entry.source
        assert datetime.date.fromisoformat(entry.as_of) >= datetime.date(2026, 1, 1)
        assert entry.region == "us-east-1" and entry.unit
        assert 0 <= entry.price < 10


def test_what_knowledge_costs_was_seen_in_a_copy_that_is_named() -> None:
    copies = CONTENT["copies"]
    assert {copy for entry in all_prices().values() for copy in entry.read} == set(copies)
    parts = ("bedrock.", "opensearch.", "aurora.", "s3vectors.", "secretsmanager.", "elasticache.")
    unseen = [name for name, each in all_prices().items() if not each.read]
    assert [name for name in unseen if name.startswith(parts)] == []


def test_arm64_is_a_fifth_cheaper_and_provisioned_work_is_cheaper_than_on_demand() -> None:
    for kind in ("duration", "provisioned", "provisioned_duration"):
        ratio = price(f"lambda.{kind}.arm64") / price(f"lambda.{kind}.x86_64")
        assert ratio == pytest.approx(0.8, rel=1e-4)
    assert price("lambda.provisioned_duration.arm64") < price("lambda.duration.arm64")


def test_an_unknown_price_is_named() -> None:
    with pytest.raises(KeyError, match=r"lambda\.magic: no such price; add it to prices\.json"):
        price("lambda.magic")


def deployed_types() -> set[str]:
    snapshots = (REPOSITORY / "tests" / "stacks" / "__snapshots__").rglob("*.json")
    found = {
        resource["Type"]
        for path in snapshots
        for resource in json.loads(path.read_text()).get("Resources", {}).values()
    }
    assert len(found) > 10
    return found


def test_every_deployed_resource_type_is_priced_or_known_to_be_free() -> None:
    billed, free = CONTENT["billed_resources"], set(CONTENT["free_resources"])
    # A custom resource is a function that runs while deploying.
    types = {name for name in deployed_types() if not name.startswith("Custom::")}
    assert types - billed.keys() - free == set(), "add them to costs/prices.json"
    assert not free.intersection(billed)


def test_what_is_billed_is_billed_by_prices_that_exist() -> None:
    for names in CONTENT["billed_resources"].values():
        assert names and all(name in all_prices() for name in names)
