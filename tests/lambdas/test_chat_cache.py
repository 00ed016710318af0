"""Answers that were given before, and what makes them others."""

from __future__ import annotations

import pytest

from chat.answer_cache import Pause
from chat.assistant import ingested
from chat.callers import Caller
from edge.errors import AwsError
from ingestion.data_source import Job
from ingestion.progress import Progress
from tests.lambdas.chat_world import ANN, FOUR_DAYS, World
from tests.lambdas.scripted_bedrock import blocked

AT = {"startedAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:05:00Z"}

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")


def test_the_same_question_is_answered_from_the_cache_and_guarded_again(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    first = world.ask("How long are messages kept?")
    again = world.ask("How long are  messages kept")
    near = world.ask("How long are the messages kept?")
    for answer in (again, near):
        assert answer["cached"] and answer["answer"] == first["answer"]
        assert answer["citations"] == first["citations"]
        assert answer["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert len(world.bedrock.asked("Converse")) == 1
    assert world.measures.counts["CacheHits"] == 2
    world.bedrock.judges = lambda source, text: (
        blocked("Not today.") if source == "OUTPUT" else {"action": "NONE"}
    )
    refused = world.ask("How long are messages kept?")
    assert refused["stopped_by_guardrail"] and refused["answer"] == "Not today."


def test_what_was_withheld_is_missing_from_the_cache_as_well(world: World) -> None:
    world.bedrock.says = lambda prompt: f"{FOUR_DAYS} It costs 12 USD."
    for cached in (False, True):
        answer = world.ask("How long are messages kept?")
        assert answer["cached"] is cached and answer["withheld"] == 1
        assert answer["answer"].endswith(". [1] …")


def test_a_near_question_with_another_number_is_not_the_same(world: World) -> None:
    """Pitfall of semantic caches: embeddings put 7 days next to 30 days."""
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.ask("Is a message kept for 7 days?")
    assert not world.ask("Is a message kept for 30 days?")["cached"]  # their vectors are equal
    assert world.ask("Is the message kept for 7 days?")["cached"]


@pytest.mark.parametrize(
    "change",
    ["tenant", "tenant key", "model", "guardrail", "prompt", "technique", "filter", "ingestion",
     "chunks"],
)  # fmt: skip
def test_whatever_an_answer_depends_on_is_in_the_scope(world: World, change: str) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.complete("job1")
    world.ask("How long?")
    caller, more = ANN, {}
    if change == "tenant":
        caller = Caller("other", "ann")
    elif change == "tenant key":  # what was cached before rests on the documents of all tenants
        world.settings["tenant_key"] = "team"
    elif change == "model":
        world.settings["model_id"] = "m2"
    elif change == "guardrail":
        world.settings["guardrail_name"] = "g:2"
    elif change == "prompt":
        world.arns = {**world.arns, "rag": world.arns["zero_shot"]}
    elif change == "technique":
        more["technique"] = "n_shot"
    elif change == "filter":
        more["filter"] = {"equals": {"key": "year", "value": 2026}}
    elif change == "ingestion":
        world.complete("job2")
    else:
        world.settings["chunks"] = 6
    assert not world.ask("How long?", caller=caller, **more)["cached"]
    assert world.ask("How long?", caller=caller, **more)["cached"]


def test_a_follow_up_is_only_answered_from_the_cache_in_the_same_context(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    first = world.ask("How long are messages kept?")
    world.bedrock.says = lambda prompt: "The longest retention is 14 days [1]."
    follow = world.ask("And at most?", conversation_id=first["conversation_id"])
    assert not follow["cached"]
    assert not world.ask("And at most?")["cached"]  # without a context it is another question
    other = world.ask("How long are messages kept?")  # cached, and so the same context as before
    assert other["cached"]
    assert world.ask("And at most?", conversation_id=other["conversation_id"])["cached"]


def test_a_follow_up_from_the_cache_is_checked_as_the_question_that_stands_alone(
    world: World,
) -> None:
    """Grounding knows questions and no conversations:
    https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html
    """
    alone = "How long are messages kept at most?"
    world.bedrock.says = lambda prompt: alone if prompt[:7] == "Rewrite" else FOUR_DAYS
    for cached in (False, True):
        first = world.ask("How long are messages kept?")
        follow = world.ask("And at most?", conversation_id=first["conversation_id"])
        assert follow["cached"] is cached
    asked = world.bedrock.asked("ApplyGuardrail")[-1]["content"]
    queries = [each["text"]["text"] for each in asked if each["text"]["qualifiers"] == ["query"]]
    assert queries == [alone]


def test_a_cache_that_fails_never_breaks_an_answer_and_is_left_alone(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    assert world.shelf is not None
    for failure in (OSError("gone"), AwsError("Timeout", 0, "slow", True), ValueError("wrong")):
        world.pause = Pause()
        world.shelf.broken = failure
        assert world.ask("How long?")["answered"]
        world.shelf.broken = None
        assert not world.ask("How long?")["cached"]  # not asked for half a minute
    assert world.measures.counts["CacheFailures"] == 3


@pytest.mark.parametrize(
    "entry",
    ["", "{", "[]", '{"question": 1}', '{"question":"How long?","answer":"","citations":[]}',
     '{"question":"Something else?","answer":"x","citations":[]}',
     '{"question":"How long?","answer":"of before it had a question that stands alone",'
     '"citations":[{"text":"","source":"","chunk":"","quote":""}]}'],
)  # fmt: skip
def test_a_wrong_entry_is_no_entry(world: World, entry: str) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.ask("How long?")
    assert world.shelf is not None
    for key in world.shelf.entries:
        world.shelf.entries[key] = (world.shelf.entries[key][0], entry)
    assert world.ask("How long?")["answer"].startswith("SQS keeps")


def test_without_the_state_of_the_ingestion_there_is_no_cache(world: World) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    world.bedrock.fail["GetItem"] = AwsError("Timeout", 0, "slow", True)
    assert world.ask("How long?")["answered"]
    assert world.shelf is not None and world.shelf.entries == {}


def test_an_index_that_has_just_changed_is_a_state_of_its_own() -> None:
    """Pitfall 33: COMPLETE is not yet searchable for some minutes."""
    item = {"last_completed": {"S": "job"}, "completed_at": {"S": "2026-01-01T00:00:00.123Z"}}
    done = 1767225600.0
    assert ingested(item, now=done + 10) != ingested(item, now=done + 1000) == "job"
    assert ingested({}, now=done) == "" == ingested({"completed_at": {"S": "x"}}, now=done)


def test_a_job_that_failed_or_was_stopped_may_have_removed_what_answers_rest_on(
    world: World,
) -> None:
    world.bedrock.says = lambda prompt: FOUR_DAYS
    progress = Progress(world.tables.call, table=world.knowledge_table)
    complete = Job({"ingestionJobId": "J1", "status": "COMPLETE", **AT})
    progress.completed(complete)
    progress.ended(complete)
    assert [world.ask("How long?")["cached"] for _ in range(2)] == [False, True]
    for status in ("FAILED", "STOPPED"):
        progress.ended(Job({"ingestionJobId": status, "status": status, **AT}))
        assert [world.ask("How long?")["cached"] for _ in range(2)] == [False, True]
