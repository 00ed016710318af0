"""What the picker of sentences reads out of the prompts that are deployed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.bedrock.reading import Message, Passage, Task, task

PROMPTS = Path(__file__).resolve().parents[2] / "prompts"
GROUNDED = (
    "rag",
    "n_shot",
    "chain_of_thought",
    "self_consistency",
    "generated_knowledge",
    "knowledge",
)
VALUES = {
    "documents": '<document index="1" source="s3://b/k">Queues keep &lt;four&gt; days.</document>',
    "history": "<turn><user>What is a queue?</user><assistant>A list. It waits.</assistant></turn>",
    "question": "How long are they kept?",
    "knowledge": "Queues keep four days. [1]",
}


def versions(*names: str) -> list[str]:
    """Every version that a prompt has: a deployed function may still ask with an earlier one."""
    found = [path.stem for name in names for path in sorted(PROMPTS.glob(f"{name}.v*.toml"))]
    assert len({each.split(".")[0] for each in found}) == len(names)
    return found


def read(version: str) -> Task:
    path = PROMPTS / f"{version}.toml"
    prompt: dict[str, Any] = tomllib.loads(path.read_text())
    messages = [
        Message(each["role"], re.sub(r"\{\{(\w+)\}\}", lambda m: VALUES[m[1]], each["text"]))
        for each in prompt["messages"]
    ]
    return task(prompt["system"], messages)


@pytest.mark.parametrize("version", versions(*GROUNDED))
def test_the_last_documents_and_the_question_are_found(version: str) -> None:
    wanted, name = read(version), version.split(".")[0]
    assert wanted.passages == [Passage("1", "Queues keep <four> days.")]
    assert wanted.question == VALUES["question"]
    assert wanted.refusal == "NOT_IN_DOCUMENTS"
    assert not wanted.actions
    assert wanted.labelled == (name in ("chain_of_thought", "self_consistency"))


@pytest.mark.parametrize("version", versions("react"))
def test_react_has_its_actions(version: str) -> None:
    wanted = read(version)
    assert wanted.actions == {"search", "calculate"}
    assert wanted.question == VALUES["question"]
    assert not wanted.observed


@pytest.mark.parametrize("version", versions("rewrite"))
def test_a_question_is_rewritten(version: str) -> None:
    rewriting = read(version)
    assert rewriting.rewriting
    assert rewriting.refers_back
    assert rewriting.turns == [("What is a queue?", "A list. It waits.")]


@pytest.mark.parametrize("version", versions("summary"))
def test_a_conversation_is_condensed(version: str) -> None:
    assert read(version).condensing


@pytest.mark.parametrize("version", versions("zero_shot"))
def test_without_documents_nothing_is_quoted(version: str) -> None:
    wanted = read(version)
    assert not (wanted.grounded or wanted.rewriting or wanted.condensing)


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("What is 12 * 365?", "12 * 365"),
        ("How much is 3 x 4 + 1", "3 * 4 + 1"),
        ("Is S3 fast?", ""),
    ],
)
def test_sums_are_seen(question: str, expression: str) -> None:
    assert task("", [Message("user", question)]).sum == expression


def test_numbered_blocks_are_passages_too() -> None:
    text = "[1] Queues keep messages for days.\n[2] Topics send them on to many.\n\nHow long?"
    wanted = task("Answer with [1].", [Message("user", text)])
    assert [each.mark for each in wanted.passages] == ["1", "2"]
