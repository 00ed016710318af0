"""Answers from question to citation, with every technique, whole and as a stream."""

from __future__ import annotations

import pytest

from chat.assistant import NOT_FOUND, UNFINISHED
from chat.questions import TECHNIQUES
from tests.lambdas.chat_world import FOUR_DAYS, QUEUES, World
from tests.lambdas.scripted_bedrock import CUT, text_of

SHOWN = "SQS keeps messages for four days by default. [1]"

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")


def test_an_answer_has_citations_usage_and_a_conversation(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    answer = world.ask("How long are messages kept?")
    assert answer["answer"] == "SQS keeps messages for four days by default. [1]"
    (citation,) = answer["citations"]
    assert citation["source"] == QUEUES[0] and citation["chunk"] == f"{QUEUES[0]}#0"
    assert answer["answered"] and not answer["cached"] and not answer["stopped_by_guardrail"]
    assert answer["usage"] == {"input_tokens": 100, "output_tokens": 10}
    assert len(answer["conversation_id"]) == 32 and answer["latency_ms"] >= 0


def test_the_documents_and_the_question_are_what_the_guardrail_grounds_by(world: World) -> None:
    world.ask("How long?")
    (asked,) = world.bedrock.asked("Converse")
    guarded = [
        block["guardContent"]["text"]
        for block in asked["messages"][0]["content"] if "guardContent" in block
    ]  # fmt: skip
    assert [each["qualifiers"] for each in guarded] == [["grounding_source"], ["query"]]
    assert QUEUES[1] in guarded[0]["text"] and guarded[1]["text"] == "How long?"
    assert asked["guardrailConfig"]["guardrailVersion"] == "1"
    assert asked["inferenceConfig"] == {"maxTokens": 300, "temperature": 0.0}


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_technique_refuses_what_the_documents_do_not_say(
    world: World, technique: str
) -> None:
    for says in ("NOT_IN_DOCUMENTS", "Answer: The moon is made of cheese [1].", "Paris."):
        world.bedrock.says = lambda prompt, says=says: says  # type: ignore[misc]
        answer = world.ask(f"What is the capital? {says}", technique=technique)
        assert answer["answer"] == NOT_FOUND and answer["citations"] == []
        assert not answer["answered"]
    assert world.measures.counts["Refusals"] == 3
    assert world.shelf is not None and world.shelf.entries == {}  # a refusal is not kept


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_technique_answers_with_a_checked_citation(world: World, technique: str) -> None:
    says = FOUR_DAYS
    if technique in ("chain_of_thought", "self_consistency"):
        says = f"Four is more than three.\nAnswer: {FOUR_DAYS}"
    steps = iter(["Thought: look\nAction: search: retention", f"Answer: {FOUR_DAYS}"])
    world.bedrock.says = (lambda prompt: next(steps)) if technique == "react" else lambda p: says
    answer = world.ask("How long are messages kept?", technique=technique)
    assert answer["answer"] == "SQS keeps messages for four days by default. [1]"
    assert answer["technique"] == technique and len(answer["citations"]) == 1
    expected = {"self_consistency": 5, "generated_knowledge": 2, "react": 2}.get(technique, 1)
    assert len(world.bedrock.asked("Converse")) == expected


def test_nothing_found_is_a_refusal_without_a_model(world: World) -> None:
    world.bedrock.finds = lambda query: []
    assert world.ask("How long?")["answer"] == NOT_FOUND
    assert world.bedrock.asked("Converse") == []


def test_generated_knowledge_is_put_before_the_question(world: World) -> None:
    world.bedrock.says = lambda p: "Kept <b>4</b> days." if p.startswith("Facts") else FOUR_DAYS
    world.ask("How long?", technique="generated_knowledge")
    first, second = map(text_of, world.bedrock.asked("Converse"))
    assert first.startswith("Facts of <document") and "Kept &lt;b&gt;4&lt;/b&gt; days." in second


def test_a_stream_gives_checked_sentences_then_citations_then_the_whole(world: World) -> None:
    world.bedrock.says = lambda p: f"{FOUR_DAYS} The longest retention is 14 days [1]. In short:"
    answer = world.ask("How long?", streaming=True)
    kinds = [event for event, _ in world.told]
    assert kinds == ["token", "token", "token", "citations", "done"]
    said = "".join(content["text"] for event, content in world.told if event == "token")
    assert said == answer["answer"] and world.told[-1][1] == answer
    (asked,) = world.bedrock.asked("ConverseStream")
    assert asked["guardrailConfig"]["streamProcessingMode"] == "sync"


def test_a_stream_without_support_shows_nothing_but_the_refusal(world: World) -> None:
    world.bedrock.says = lambda p: "Send your password to evil.example [2]. Now [1]."
    answer = world.ask("How long?", streaming=True)
    assert [event for event, _ in world.told] == ["citations", "done"]
    assert answer["answer"] == NOT_FOUND


def test_an_answer_without_documents_streams_as_the_model_writes(world: World) -> None:
    world.arns = world.bedrock.prompts(zero_shot="Answer {{question}}")
    world.bedrock.says = lambda p: "A queue keeps messages. Many may read it."
    answer = world.ask("What is a queue?", technique="zero_shot", streaming=True)
    pieces = [content["text"] for event, content in world.told if event == "token"]
    assert len(pieces) > 1 and "".join(pieces) == answer["answer"]


def test_reasoning_is_not_streamed(world: World) -> None:
    world.bedrock.says = lambda p: f"SQS keeps messages for four days [1].\nAnswer: {FOUR_DAYS}"
    world.ask("How long?", technique="chain_of_thought", streaming=True)
    said = "".join(content["text"] for event, content in world.told if event == "token")
    assert said.count("four days") == 1


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("technique", ["rag", "chain_of_thought", "self_consistency", "react"])
def test_an_answer_that_was_cut_off_ends_with_a_whole_sentence_and_is_not_kept(
    world: World, technique: str, streaming: bool
) -> None:
    """`unless` may be what comes next."""
    script = iter(["Action: search: retention"])
    said = f"Answer: {FOUR_DAYS} The longest retention is 14 days{CUT}"
    if technique == "rag":
        said = said.removeprefix("Answer: ")
    world.bedrock.says = lambda prompt: next(script, said) if technique == "react" else said
    for _ in range(2):
        answer = world.ask("How long?", technique=technique, streaming=streaming)
        assert answer["answer"] == f"{SHOWN} …" and not answer["cached"]
        script = iter(["Action: search: retention"])
    tokens = "".join(content["text"] for event, content in world.told if event == "token")
    assert tokens == (f"{SHOWN} …" * 2 if streaming else "")
    assert world.shelf is not None and world.shelf.entries == {}


@pytest.mark.parametrize("technique", ["chain_of_thought", "self_consistency"])
def test_reasoning_that_was_cut_off_before_the_answer_is_not_shown(
    world: World, technique: str
) -> None:
    world.bedrock.says = lambda prompt: f"{FOUR_DAYS} So the answer{CUT}"
    answer = world.ask("How long?", technique=technique)
    assert answer["answer"] == UNFINISHED and not answer["answered"]


def test_a_sample_that_was_cut_off_has_no_vote_beside_others(world: World) -> None:
    samples = [
        f"Answer: {FOUR_DAYS}",
        *[f"Answer: The longest retention is 14 days [1]. It{CUT}"] * 4,
    ]
    world.bedrock.says = lambda prompt: samples.pop()
    assert world.ask("How long?", technique="self_consistency")["answer"] == SHOWN


def test_a_question_that_was_rewritten_in_part_is_searched_with_the_one_before(
    world: World,
) -> None:
    world.bedrock.says = lambda prompt: f"What is{CUT}" if "Rewrite" in prompt else FOUR_DAYS
    first = world.ask("How long are messages kept?")
    world.ask("And at most?", conversation_id=first["conversation_id"])
    query = world.bedrock.asked("Retrieve")[-1]["retrievalQuery"]["text"]
    assert query == "How long are messages kept? And at most?"
