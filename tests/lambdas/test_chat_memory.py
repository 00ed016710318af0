"""Conversations: follow-ups, whose they are, what is kept of them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.callers import Caller
from chat.conversation import KEPT_TURNS, Conversation, Turn, key_of
from chat.memory import Memory
from edge.errors import AwsError
from tests.lambdas.chat_world import FOUR_DAYS, QUEUES, World
from tests.lambdas.scripted_bedrock import text_of

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")


def test_a_follow_up_is_rewritten_searched_and_answered_by_what_it_means(world: World) -> None:
    queries: list[str] = []
    world.bedrock.finds = lambda query: (queries.append(query), [QUEUES])[1]
    world.bedrock.says = lambda p: "Longest retention of SQS?" if "Rewrite" in p else FOUR_DAYS
    first = world.ask("How long are messages kept?")
    world.ask("And at most?", conversation_id=first["conversation_id"])
    assert queries == ["How long are messages kept?", "Longest retention of SQS?"]


def test_without_a_prompt_for_it_the_question_before_is_searched_too(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.arns = {name: arn for name, arn in world.arns.items() if name != "rewrite"}
    first = world.ask("How long are messages kept?")
    world.ask("And at most?", conversation_id=first["conversation_id"])
    query = world.bedrock.asked("Retrieve")[-1]["retrievalQuery"]["text"]
    assert query == "How long are messages kept? And at most?"


def test_nobody_reads_the_conversations_of_others(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    mine = world.ask("My secret question?")["conversation_id"]
    for caller in (Caller("acme", "bob"), Caller("other", "ann")):
        world.ask("And?", conversation_id=mine, caller=caller)
    assert not any("Rewrite" in text_of(each) for each in world.bedrock.asked("Converse"))
    assert "secret" in world.memory().load(
        key_of(tenant="acme", user="ann", conversation_id=mine)
    ).history()  # fmt: skip


@given(*[st.text(max_size=6)] * 6)
def test_keys_of_conversations_are_as_different_as_what_they_are_made_of(
    a: str, b: str, c: str, d: str, e: str, f: str
) -> None:
    one = key_of(tenant=a, user=b, conversation_id=c)
    assert (one == key_of(tenant=d, user=e, conversation_id=f)) == ((a, b, c) == (d, e, f))


def test_a_long_conversation_is_condensed_and_keeps_its_last_turns(world: World) -> None:
    summary = "They talked about queues."
    world.bedrock.says = lambda p: summary if p[:8] == "Condense" else FOUR_DAYS
    world.shelf = None
    id_ = world.ask("Question 1?")["conversation_id"]
    for number in range(2, 11):
        world.ask(f"Question {number}?", conversation_id=id_)
    found = world.memory().load(key_of(tenant="acme", user="ann", conversation_id=id_))
    assert found.summary == summary
    assert [turn.number for turn in found.turns] == list(range(found.through + 1, 11))
    assert KEPT_TURNS <= len(found.turns) < 8
    assert "Question 10?" in found.history() and "Question 1?" not in found.history()


def test_questions_at_the_same_time_are_all_remembered_in_some_order(world: World) -> None:
    memory = [Memory(world.tables.another().call, table=world.memory_table, keep_seconds=60)
              for _ in range(5)]  # fmt: skip
    conversation = Conversation("k")
    threads = [
        threading.Thread(
            target=each.add, args=(conversation,), kwargs={"question": f"q{n}", "answer": "a"}
        )
        for n, each in enumerate(memory)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    turns = world.memory().load("k").turns
    assert [turn.number for turn in turns] == [1, 2, 3, 4, 5]
    assert {turn.question for turn in turns} == {f"q{n}" for n in range(5)}


def test_a_turn_whose_answer_was_lost_is_not_written_twice(world: World) -> None:
    lost = [True]

    def call(service: str, operation: str, **params: Any) -> Any:
        world.tables.call(service, operation, **params)
        if operation == "PutItem" and lost.pop():
            return world.tables.call(service, operation, **params)  # the SDK's second attempt
        return {}

    lost = [False, True]
    Memory(call, table=world.memory_table, keep_seconds=60).add(
        Conversation("k"), question="q", answer="a"
    )
    assert len(world.memory().load("k").turns) == 1


def test_what_has_expired_is_not_remembered(world: World) -> None:
    """DynamoDB deletes expired items some days late."""
    world.bedrock.says = lambda prompt: FOUR_DAYS
    first = world.ask("How long?")
    key = key_of(tenant="acme", user="ann", conversation_id=first["conversation_id"])
    assert world.memory().load(key).begun
    world.clock = lambda: time.time() + 3601
    assert not world.memory().load(key).begun


def test_a_conversation_goes_on_after_turns_that_have_expired_and_are_still_there(
    world: World,
) -> None:
    """DynamoDB deletes them within some days, and until then their numbers are taken."""
    now = [1_000.0]
    world.clock = lambda: now[0]
    memory = world.memory()
    for number in range(12):
        memory.add(memory.load("k"), question=f"q{number}", answer="a")
    memory.condense(memory.load("k"), "old", through=8)
    now[0] += 3601
    memory.add(memory.load("k"), question="new", answer="a")
    memory.add(memory.load("k"), question="newer", answer="a")
    found = memory.load("k")
    assert [turn.question for turn in found.turns] == ["new", "newer"] and not found.summary
    memory.condense(found, "anew", through=found.last_number)
    assert memory.load("k").summary == "anew"


def test_a_summary_lives_as_long_as_the_conversation(world: World) -> None:
    now = [1_000.0]
    world.clock = lambda: now[0]
    memory = world.memory()
    memory.add(memory.load("k"), question="q", answer="a")
    memory.condense(memory.load("k"), "what was said", through=1)
    for _ in range(4):
        now[0] += 3000
        memory.add(memory.load("k"), question="q", answer="a")
    assert memory.load("k").summary == "what was said"
    now[0] += 3601
    assert not memory.load("k").begun


def test_a_summary_never_goes_back(world: World) -> None:
    memory = world.memory()
    memory.condense(Conversation("k"), "later", through=8)
    memory.condense(Conversation("k"), "earlier", through=4)
    assert (memory.load("k").summary, memory.load("k").through) == ("later", 8)


def test_an_answer_that_cannot_be_remembered_is_given(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.bedrock.fail["PutItem"] = AwsError("Timeout", 0, "slow", True)
    assert world.ask("How long?")["answered"]
    assert "not remembered" in capsys.readouterr().out


def test_a_turn_is_remembered_though_the_summary_is_not_kept_longer(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = world.memory()
    memory.add(memory.load("k"), question="q1", answer="a")
    memory.condense(memory.load("k"), "what was said", through=1)
    call = world.tables.call

    def throttled(service: str, operation: str, **params: Any) -> dict[str, Any]:
        if params.get("Item", {}).get("turn") == {"S": "#summary"}:
            raise AwsError("ThrottlingException", 400, "slow down", True)
        return call(service, operation, **params)

    busy = Memory(throttled, table=world.memory_table, keep_seconds=60)
    assert busy.add(busy.load("k"), question="q2", answer="a") == 2
    assert "summary not renewed" in capsys.readouterr().out
    with pytest.raises(AwsError):
        busy.condense(busy.load("k"), "more of it", through=2)


def test_an_answer_is_given_though_the_prompt_for_summaries_cannot_be_used(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.shelf = None
    read = world.bedrock.GetPrompt

    def without_variant(params: dict[str, Any]) -> dict[str, Any]:
        summary = world.arns["summary"].rpartition("/")[2].partition(":")[0]
        return {"variants": []} if params["promptIdentifier"] == summary else read(params)

    world.bedrock.GetPrompt = without_variant  # type: ignore[method-assign]
    id_ = world.ask("Question 1?")["conversation_id"]
    for number in range(2, 11):
        assert world.ask(f"Question {number}?", conversation_id=id_)["answered"]
    key = key_of(tenant="acme", user="ann", conversation_id=id_)
    assert world.memory().load(key).last_number == 10
    assert "has no variant" in capsys.readouterr().out


@settings(deadline=None, max_examples=40)
@given(
    numbers=st.lists(st.integers(1, 40), unique=True, max_size=25), through=st.integers(0, 40),
    length=st.integers(1, 900),
)  # fmt: skip
def test_the_window_of_a_conversation(numbers: list[int], through: int, length: int) -> None:
    turns = [Turn(n, question=f"q{n}", answer="x" * length) for n in numbers]
    found = Conversation("k", turns=turns, summary="s" if through else "", through=through)
    order = [turn.number for turn in found.turns]
    assert order == sorted(n for n in numbers if n > through)
    assert found.last_number == max([through, *order])
    condensed = [turn.number for turn in found.to_condense()]
    assert condensed == order[: len(condensed)]
    assert not condensed or len(order) - len(condensed) == KEPT_TURNS
    assert bool(found.context) == found.begun == bool(order or through)
