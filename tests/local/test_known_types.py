"""Every resource type of the stacks is known to the engine, and no other is taken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.session import REPOSITORY, LocalAws
from tests.local.small_stack import Stack
from tests.stacks.synthesis import VARIANTS

pytestmark = pytest.mark.xdist_group("local-aws")


@pytest.fixture(scope="session")
def known_types() -> set[str]:
    """Every type in the engine's table, read in a process of its own."""
    program = (
        "from local.types.registration import register; register()\n"
        "from local.types.handlers import table; print(*table(), sep='\\n')"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(outcome.stdout.split())


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_every_type_that_we_synthesize_is_known(
    assemblies: Path, known_types: set[str], variant: str
) -> None:
    used = {
        resource["Type"]
        for path in (assemblies / variant).glob("*.template.json")
        for resource in json.loads(path.read_text())["Resources"].values()
    }
    assert used
    # Custom resources are answered by a function of their stack.
    assert {each for each in used if not each.startswith("Custom::")} - known_types == set()


def test_an_unknown_type_is_refused_by_name_before_anything_is_made(
    stack: Stack, aws: LocalAws
) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "never-made"}}
    with pytest.raises(ClientError, match="AWS::Groundwork::Nothing"):
        stack.deploy({"Queue": queue, "Nothing": {"Type": "AWS::Groundwork::Nothing"}})
    assert "never-made" not in str(aws.client("sqs").list_queues().get("QueueUrls"))
