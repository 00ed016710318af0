"""Break the templates in one place at a time: the rule that is meant for it notices."""

from __future__ import annotations

import copy

import pytest

from tests.stacks.checks import CHECKS, findings
from tests.stacks.mutating import Mutation
from tests.stacks.mutations_instances import INSTANCE_MUTATIONS
from tests.stacks.mutations_messages import MESSAGE_MUTATIONS
from tests.stacks.mutations_surroundings import SURROUNDING_MUTATIONS

MUTATIONS = [*MESSAGE_MUTATIONS, *INSTANCE_MUTATIONS, *SURROUNDING_MUTATIONS]


@pytest.mark.parametrize(
    ("stack", "mutate", "rule"),
    [pytest.param(*rest, id=f"{rest[0]}-{name}".replace(" ", "-")) for name, *rest in MUTATIONS],
)
def test_mutation_is_found(templates, stack: str, mutate: Mutation, rule: str) -> None:
    template = copy.deepcopy(templates["dev"][stack])
    assert findings(stack, template) == []
    mutate(template)
    assert template != templates["dev"][stack]
    assert rule in {finding.split(":")[0] for finding in findings(stack, template)}


def test_every_rule_is_tried() -> None:
    """A rule that no mutation trips may be unable to find anything."""
    tried = {rule for _, _, _, rule in MUTATIONS}
    rules = {check.__name__ for checks in CHECKS.values() for check in checks}
    assert rules - tried == {"check_lambda_consumers_have_time"}  # tried in test_pitfalls
