"""The private names of MiniStack that we hook exist; a raised version names what moved."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local import engine_contract, sqs_speed
from local.types import buckets

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("local", "local/fleet", "local/types")
MODULES = [
    "autoscaling",
    "cloudformation",
    "cloudwatch",
    "cloudwatch_logs",
    "dynamodb",
    "ec2",
    "iam",
    "provisioners",
    "s3",
    "sns",
    "sqs",
    "ssm",
    "stacks",
    "waf",
]
PRIVATE = re.compile(rf"\b(?:{'|'.join(MODULES)})\.(_[a-z]\w+)", re.IGNORECASE)


def test_every_hooked_name_is_there() -> None:
    assert engine_contract.missing() == []
    engine_contract.check()


def test_a_name_that_moved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked = {"ministack.services.sqs": ("_get_q", "_moved"), "ministack.gone": ("x",)}
    monkeypatch.setattr(engine_contract, "HOOKED", hooked)
    with pytest.raises(engine_contract.ContractError, match=r"sqs\._moved, ministack\.gone"):
        engine_contract.check()


def test_another_version_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_contract, "VERSION", "9.9.9")
    with pytest.raises(engine_contract.ContractError, match="pip install"):
        engine_contract.check()


def test_the_version_is_the_pinned_one() -> None:
    pinned = re.search(
        r"^ministack==(\S+)$", (REPOSITORY / "requirements-dev.txt").read_text(), re.M
    )
    assert pinned is not None
    assert pinned.group(1) == engine_contract.VERSION


def test_the_list_is_complete() -> None:
    """Every private name that our modules read from MiniStack is in the list."""
    listed = {name for names in engine_contract.HOOKED.values() for name in names}
    listed |= set(sqs_speed.REPLACED)
    used = set()
    for path in [path for room in ROOMS for path in sorted((REPOSITORY / room).glob("*.py"))]:
        used |= set(PRIVATE.findall(path.read_text()))
    used |= {each.put for each in buckets.CONFIGURATIONS.values()}
    used |= {each.delete for each in buckets.CONFIGURATIONS.values() if each.delete}
    assert used - listed == set()
