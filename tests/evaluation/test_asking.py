"""What is asked of the cache, when, and what counts as a hit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from chat.assistant import SETTLING_SECONDS
from evaluation.asking import cache_hits
from evaluation.deployment import DeploymentError
from evaluation.golden.golden_set import CachePair
from evaluation.index_state import ATTEMPTS, IndexState
from evaluation.recording import Answered, CacheAsked


class Chat:
    """Says each question back, and from its cache what it is told."""

    def __init__(self, cached: dict[str, str]) -> None:
        self._cached = cached
        self._asked: set[str] = set()

    def ask(self, id_: str, question: str, *, technique: str) -> Answered:
        repeated = question in self._asked
        self._asked.add(question)
        answer = self._cached.get(question, question)
        cached = repeated or question in self._cached
        return Answered(id=id_, technique=technique, answer=answer, answered=True, cached=cached)


def hits(cached: dict[str, str], *pairs: CachePair) -> list[CacheAsked]:
    chat: Any = Chat(cached)
    return list(cache_hits(chat, pairs))


def pair(first: str, second: str, *, same: bool) -> CachePair:
    return CachePair(first=first, second=second, same=same)


HIT = CacheAsked(same=True, right=True, wrong=False)
MISS = CacheAsked(same=True, right=False, wrong=False)
FALSE_HIT = CacheAsked(same=True, right=False, wrong=True)
ESCAPED = CacheAsked(same=False, right=False, wrong=False)
TRAPPED = CacheAsked(same=False, right=False, wrong=True)


def test_the_same_question_hits_when_it_gets_the_first_one_s_answer() -> None:
    pairs = pair("a", "a again", same=True), pair("b", "b in other words", same=True)
    assert hits({"a again": "a"}, *pairs) == [HIT, MISS]


def test_another_entry_s_answer_is_a_false_hit_whatever_was_asked() -> None:
    pairs = pair("a", "a again", same=True), pair("b", "b again", same=True)
    assert hits({"a again": "a", "b again": "a"}, *pairs) == [HIT, FALSE_HIT]


def test_a_first_question_that_gets_another_one_s_answer_spoils_its_pair() -> None:
    pairs = pair("a", "a again", same=True), pair("b", "b again", same=True)
    assert hits({"b": "a", "a again": "a", "b again": "a"}, *pairs) == [HIT, FALSE_HIT]
    assert hits({"b": "a"}, pair("a", "trap", same=False), pair("b", "c", same=False)) == [
        ESCAPED, TRAPPED,
    ]  # fmt: skip


def test_a_first_question_that_was_asked_before_the_run_has_its_own_answer() -> None:
    pairs = pair("a", "a again", same=True), pair("b", "c", same=False), pair("d", "e", same=False)
    assert hits({"a": "of before", "a again": "of before"}, *pairs) == [HIT, ESCAPED, ESCAPED]


def test_a_trap_hits_with_any_answer_that_is_not_its_own() -> None:
    pairs = pair("a", "trap of a", same=False), pair("b", "trap of b", same=False)
    assert hits({"trap of a": "a", "trap of b": "a"}, *pairs) == [TRAPPED] * 2


def test_a_trap_that_was_asked_before_gets_its_own_answer() -> None:
    pairs = pair("a", "b", same=False), pair("b", "c", same=False), pair("d", "c", same=False)
    assert hits({}, *pairs) == [ESCAPED] * 3


def test_a_trap_that_was_given_another_one_s_answer_before_has_none_of_its_own() -> None:
    pairs = pair("a", "c", same=False), pair("b", "c", same=False)
    assert hits({"c": "a"}, *pairs) == [TRAPPED] * 2


def test_a_cache_that_knows_the_questions_measures_nothing() -> None:
    with pytest.raises(DeploymentError, match="holds these questions already"):
        hits({"a": "of before"}, pair("a", "a again", same=True))


class Bedrock:
    """A knowledge base whose moments pass whenever somebody waits: per moment the newest job and
    the item that the ingestion function has written; the last one stays.
    """

    def __init__(self, *moments: tuple[str, str, float]) -> None:
        self._moments = moments
        self.at = 0
        self.now = 1_000_000.0

    @property
    def moment(self) -> tuple[str, str, float]:
        return self._moments[min(self.at, len(self._moments) - 1)]

    def item(self) -> dict[str, dict[str, str]]:
        _, ended, ago = self.moment
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now - ago))
        return {"ended": {"S": ended}, "ended_at": {"S": at}} if ended else {}

    def wait(self, seconds: float) -> None:
        self.at += 1
        self.now += seconds

    def state(self) -> IndexState:
        return IndexState(
            newest_job=lambda: self.moment[0],
            item=self.item,
            now=lambda: self.now,
            sleep=self.wait,
            say=lambda _: None,
        )


SETTLED = SETTLING_SECONDS + 60.0
RUNNING, NOTED = ("new", "old", SETTLED), ("new", "new", 5.0)
QUIET, JUST = ("new", "new", SETTLED), ("new", "new", SETTLING_SECONDS + 1.0)
FIRST, NEXT = ("first", "", 0.0), ("newer", "new", SETTLED)
NEXT_NOTED, LAST = ("newer", "newer", 1.0), ("newer", "newer", SETTLED)


@pytest.mark.parametrize(
    ("moments", "waits"),
    [
        ((QUIET,), 0),
        ((("", "", 0.0),), 0),
        ((RUNNING, QUIET), 1),
        ((NOTED, NOTED, QUIET), 2),
        ((JUST, QUIET), 1),
        ((FIRST, RUNNING, NOTED, NEXT, NEXT_NOTED, LAST), 5),
    ],
    ids=["quiet", "empty", "not noted", "settling", "just settled", "one job after another"],
)  # fmt: skip
def test_the_cache_is_asked_once_the_newest_job_is_noted_and_settled(
    moments: tuple[tuple[str, str, float], ...], waits: int
) -> None:
    bedrock = Bedrock(*moments)
    assert bedrock.state().throughout(lambda: bedrock.at, wait_seconds=1000) == waits


def test_what_the_index_changed_under_is_asked_again() -> None:
    bedrock = Bedrock(QUIET, NOTED, LAST)
    asked: Iterator[int] = iter(range(ATTEMPTS))

    def ask() -> int:
        if not (number := next(asked)):
            bedrock.at += 1
        return number

    assert bedrock.state().throughout(ask, wait_seconds=1000) == 1
    with pytest.raises(DeploymentError, match="has changed while"):
        restless = Bedrock(*((str(job), str(job), SETTLED) for job in range(2 * ATTEMPTS)))
        restless.state().throughout(lambda: restless.wait(1), wait_seconds=1000)


def test_a_job_that_nobody_notes_is_named_with_what_to_do() -> None:
    with pytest.raises(DeploymentError, match=r"job is new, and old.*600 seconds.*watch"):
        Bedrock(RUNNING).state().throughout(lambda: None, wait_seconds=600)
