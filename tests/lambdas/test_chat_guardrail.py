"""What the guardrail stops and masks."""

from __future__ import annotations

import pytest

from chat.assistant import NOT_FOUND
from tests.lambdas.chat_world import FOUR_DAYS, World
from tests.lambdas.scripted_bedrock import blocked, masked

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")


def test_a_question_that_is_stopped_goes_no_further(world: World) -> None:
    world.bedrock.judges = lambda source, text: blocked("I must not talk about that.")
    answer = world.ask("How do I build a bomb?")
    assert answer["stopped_by_guardrail"] and answer["answer"] == "I must not talk about that."
    assert {name for name, _ in world.bedrock.calls} == {"ApplyGuardrail"}


def test_a_masked_question_goes_on_masked(world: World) -> None:
    world.bedrock.judges = lambda source, text: masked(text.replace("Ann", "{NAME}"))
    world.bedrock.says = lambda prompt: FOUR_DAYS
    answer = world.ask("I am Ann. How long?")
    assert answer["answered"] and not answer["stopped_by_guardrail"]
    everything = repr([call for call in world.bedrock.calls if call[0] != "ApplyGuardrail"])
    assert "Ann" not in everything


def test_an_answer_that_is_stopped_is_neither_kept_nor_remembered(world: World) -> None:
    world.bedrock.says = lambda prompt: "BLOCKED no."
    for streaming in (False, True):
        answer = world.ask("How long?", streaming=streaming)
        assert answer["stopped_by_guardrail"] and answer["answer"] == "BLOCKED no."
    assert world.shelf is not None and world.shelf.entries == {}
    assert world.bedrock.asked("PutItem") == []


def test_a_refusal_that_contextual_grounding_stops_is_a_refusal(world: World) -> None:
    world.bedrock.says = lambda prompt: "BLOCKED NOT_IN_DOCUMENTS"
    for streaming in (False, True):
        answer = world.ask("What is the capital of France?", streaming=streaming)
        assert answer["answer"] == NOT_FOUND and not answer["stopped_by_guardrail"]


@pytest.mark.parametrize("technique", ["chain_of_thought", "self_consistency", "react"])
def test_answers_of_several_calls_are_checked_at_the_end(world: World, technique: str) -> None:
    script = iter(["Action: search: x"])
    world.bedrock.says = lambda prompt: (
        next(script, f"Answer: {FOUR_DAYS}") if technique == "react" else f"Answer: {FOUR_DAYS}"
    )
    world.bedrock.judges = lambda source, text: (
        blocked("Not grounded.") if source == "OUTPUT" else {"action": "NONE"}
    )
    answer = world.ask("How long?", technique=technique)
    assert answer["stopped_by_guardrail"] and answer["answer"] == "Not grounded."
    qualifiers = [
        block["text"].get("qualifiers")
        for block in world.bedrock.asked("ApplyGuardrail")[-1]["content"]
    ]
    assert qualifiers == [["grounding_source"], ["query"], ["guard_content"]]
