"""Break the templates in one place at a time: the rule that is meant for it notices."""

from __future__ import annotations

import copy

import pytest

from tests.stacks.checks import CHECKS, findings
from tests.stacks.mutating import Mutation
from tests.stacks.mutations_assistant import ASSISTANT_MUTATIONS, NETWORK_CACHE_MUTATIONS
from tests.stacks.mutations_functions import FUNCTION_MUTATIONS, PROVISIONED_MUTATIONS
from tests.stacks.mutations_ingestion import INGESTION_MUTATIONS
from tests.stacks.mutations_instances import INSTANCE_MUTATIONS
from tests.stacks.mutations_knowledge import CLASSIC_MUTATIONS, KNOWLEDGE_MUTATIONS
from tests.stacks.mutations_messages import MESSAGE_MUTATIONS
from tests.stacks.mutations_offline import FIREWALL_MUTATIONS, OFFLINE_MUTATIONS
from tests.stacks.mutations_surroundings import SURROUNDING_MUTATIONS

MUTATIONS = {
    "dev": [
        *MESSAGE_MUTATIONS,
        *INSTANCE_MUTATIONS,
        *SURROUNDING_MUTATIONS,
        *FUNCTION_MUTATIONS,
        *OFFLINE_MUTATIONS,
        *INGESTION_MUTATIONS,
        *ASSISTANT_MUTATIONS,
    ],
    "prod": [*PROVISIONED_MUTATIONS, *FIREWALL_MUTATIONS, *CLASSIC_MUTATIONS],
    "keys": [*NETWORK_CACHE_MUTATIONS, *KNOWLEDGE_MUTATIONS],
}


@pytest.mark.parametrize(
    ("stage", "stack", "mutate", "rule"),
    [
        pytest.param(stage, *rest, id=f"{rest[0]}-{name}".replace(" ", "-"))
        for stage, cases in MUTATIONS.items()
        for name, *rest in cases
    ],
)
def test_mutation_is_found(templates, stage: str, stack: str, mutate: Mutation, rule: str) -> None:
    template = copy.deepcopy(templates[stage][stack])
    assert findings(stack, template) == []
    mutate(template)
    assert template != templates[stage][stack]
    assert rule in {finding.split(":")[0] for finding in findings(stack, template)}


def test_every_rule_is_tried() -> None:
    """A rule that no mutation trips may be unable to find anything."""
    tried = {rule for cases in MUTATIONS.values() for _, _, _, rule in cases}
    rules = {check.__name__ for checks in CHECKS.values() for check in checks}
    assert rules - tried == set()
