"""What the guardrail stops and masks."""

from __future__ import annotations

import re

import pytest

from chat.assistant import NOT_FOUND
from chat.conversation import key_of
from chat.passages import escaped
from tests.lambdas.chat_world import FOUR_DAYS, World
from tests.lambdas.scripted_bedrock import blocked, masked, text_of

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


@pytest.mark.parametrize("technique", ["rag", "chain_of_thought", "self_consistency", "react"])
def test_a_follow_up_is_looked_at_as_it_was_rewritten(world: World, technique: str) -> None:
    """By itself it says nothing; what is searched, and asked, is what it means."""
    meant = "Which shares should I buy, Ann?"
    script = iter(["Action: search: shares"] if technique == "react" else [])

    def says(prompt: str) -> str:
        if prompt.startswith("Rewrite"):
            return meant
        return next(script, f"Answer: {FOUR_DAYS}") if "Tell" not in prompt else FOUR_DAYS

    world.bedrock.says = says
    first = world.ask("Tell me of shares")["conversation_id"]
    world.bedrock.judges = lambda source, text: (
        masked(text.replace("Ann", "{NAME}")) if "Ann" in text else {"action": "NONE"}
    )
    assert world.ask("Which?", conversation_id=first, technique=technique)["answered"]
    others = [each for each in world.bedrock.calls if each[0] != "ApplyGuardrail"]
    assert "{NAME}" in repr(others) and "Ann" not in repr(others)
    world.bedrock.judges = lambda source, text: (
        blocked("No advice.") if "shares" in text else {"action": "NONE"}
    )
    answer = world.ask("And which else?", conversation_id=first, technique=technique)
    assert answer["stopped_by_guardrail"] and answer["answer"] == "No advice."
    turns = world.memory().load(key_of(tenant="acme", user="ann", conversation_id=first)).turns
    assert [turn.question for turn in turns] == ["Tell me of shares", "Which?"]


QUOTING = ('Does "a" & "b" <c> fit, or "d"? ' * 31)[:990]


def test_a_question_is_shown_whole_where_grounding_takes_a_part_of_it(world: World) -> None:
    """What has to be escaped is longer afterwards."""
    world.bedrock.says = lambda prompt: FOUR_DAYS
    for streaming in (False, True):
        world.ask(QUOTING, streaming=streaming, technique="rag")
        world.shelf = None
    assert all(escaped(QUOTING.strip()) in text_of(p) for p in world.bedrock.asked("Converse"))


def test_without_a_prompt_that_rewrites_the_follow_up_is_what_is_kept(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.arns = {name: arn for name, arn in world.arns.items() if name != "rewrite"}
    first = world.ask("x" * 990 + " long?")
    follow = "y" * 600 + " and at most?"
    world.ask(follow, conversation_id=first["conversation_id"])
    query = world.bedrock.asked("Retrieve")[-1]["retrievalQuery"]["text"]
    assert len(query) <= 1_000 and query.endswith(follow)


@pytest.mark.parametrize("technique", ["rag", "chain_of_thought", "react"])
def test_documents_are_as_many_as_grounding_takes_the_cited_ones_among_them(
    world: World, technique: str
) -> None:
    world.settings["chunks"] = 15
    rounds: list[str] = []

    def finds(query: str) -> list[tuple[str, str]]:
        rounds.append(query)
        return [
            (
                f"s3://docs/{len(rounds)}-{n}.txt",
                f'Topic {len(rounds)}-{n}: "x" has {n} parts. ' * 150,
            )
            for n in range(15)
        ]

    def says(prompt: str) -> str:
        if technique == "react" and len(rounds) < 4:
            return "Action: search: more"
        last = prompt.count("<document ")
        found = re.findall(r"Topic \S+ &quot;x&quot; has \d+ parts", prompt)[-1]
        return f"Answer: {found} [{last}]."

    world.bedrock.finds, world.bedrock.says = finds, says
    answer = world.ask("How many?", technique=technique)
    assert answer["answered"]
    if technique != "rag":
        sources = world.bedrock.asked("ApplyGuardrail")[-1]["content"][0]["text"]["text"]
        assert answer["citations"][0]["quote"] in sources


def test_an_answer_that_is_longer_than_a_check_takes_is_checked_in_parts(world: World) -> None:
    long = " ".join(f"SQS keeps messages for four days by default, always {n} [1]." for n in "abc")
    long = " ".join([long] * 60)
    world.bedrock.says = lambda prompt: f"Answer: {long}"
    answer = world.ask("How long?", technique="chain_of_thought")
    assert answer["answered"] and len(answer["answer"]) > 5_000
    checked = [
        block["text"]["text"]
        for params in world.bedrock.asked("ApplyGuardrail")[1:]
        for block in params["content"]
        if block["text"].get("qualifiers") == ["guard_content"]
    ]
    assert len(checked) > 1 and "".join(checked) == answer["answer"]
    last = checked[-1]
    world.bedrock.judges = lambda source, text: (
        blocked("No.") if text == last else {"action": "NONE"}
    )
    world.shelf = None
    assert world.ask("How long?", technique="chain_of_thought")["answer"] == "No."


@pytest.mark.parametrize("technique", ["rag", "chain_of_thought"])
def test_an_intervention_is_counted_once(world: World, technique: str) -> None:
    """Whoever made it: the check of an answer, or the guarded call of the model."""
    world.bedrock.says = lambda prompt: (
        "BLOCKED no." if technique == "rag" else f"Answer: {FOUR_DAYS}"
    )
    world.bedrock.judges = lambda source, text: (
        blocked("no.") if source == "OUTPUT" else {"action": "NONE"}
    )
    assert world.ask("How long?", technique=technique)["stopped_by_guardrail"]
    assert world.measures.counts["GuardrailInterventions"] == 1
    world.bedrock.judges = lambda source, text: blocked("no.")
    assert world.ask("How long?", technique=technique)["stopped_by_guardrail"]
    assert world.measures.counts["GuardrailInterventions"] == 2
