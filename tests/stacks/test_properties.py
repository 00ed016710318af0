"""Every rule holds for every variant of every stack."""

from __future__ import annotations

import pytest

from tests.stacks.checks import CHECKS, Check
from tests.stacks.checks_network import check_flow_logs
from tests.stacks.synthesis import VARIANTS

CASES = [
    pytest.param(variant, stack, check, id=f"{variant}-{stack}-{check.__name__}")
    for variant in VARIANTS
    for stack, checks in CHECKS.items()
    for check in checks
    if not (variant == "quiet" and check is check_flow_logs)  # it turns them off
]


@pytest.mark.parametrize(("variant", "stack", "check"), CASES)
def test_rule_holds(templates, variant: str, stack: str, check: Check) -> None:
    assert check(templates[variant][stack]) == []


def test_flow_logs_can_be_turned_off(templates) -> None:
    assert check_flow_logs(templates["quiet"]["Network"])
