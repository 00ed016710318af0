"""What is asked of the cache, and what counts as a hit."""

from __future__ import annotations

from typing import Any

from evaluation.asking import cache_hits
from evaluation.golden.golden_set import CachePair
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


def test_the_same_question_hits_when_it_gets_the_first_one_s_answer() -> None:
    pairs = pair("a", "a again", same=True), pair("b", "b again", same=True)
    assert hits({"a again": "a", "b again": "a"}, *pairs) == [
        CacheAsked(same=True, hit=True), CacheAsked(same=True, hit=False),
    ]  # fmt: skip


def test_a_trap_hits_with_any_answer_that_is_not_its_own() -> None:
    pairs = pair("a", "trap of a", same=False), pair("b", "trap of b", same=False)
    assert hits({"trap of a": "a", "trap of b": "a"}, *pairs) == [
        CacheAsked(same=False, hit=True), CacheAsked(same=False, hit=True),
    ]  # fmt: skip


def test_a_trap_that_was_asked_before_gets_its_own_answer() -> None:
    pairs = pair("a", "b", same=False), pair("b", "c", same=False), pair("d", "c", same=False)
    assert hits({}, *pairs) == [CacheAsked(same=False, hit=False)] * 3
