"""Puts the golden set to a deployment and keeps what comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TypeVar

from evaluation.deployment import Chat, DeploymentError, KnowledgeBase, Stacks
from evaluation.fingerprint import CACHE, fingerprint
from evaluation.golden.golden_set import CachePair, GoldenSet
from evaluation.index_state import index_state
from evaluation.recording import Answered, CacheAsked, Recording

TECHNIQUES = (
    "rag",
    "n_shot",
    "chain_of_thought",
    "self_consistency",
    "generated_knowledge",
    "react",
    "zero_shot",
)
FEWER = {"zero_shot": 15}
"""At most so many of each kind: without documents a model writes at length, the local one for
seconds, and nothing of it can be checked."""
HYBRID_STORES = frozenset({"opensearch_serverless", "aurora_postgresql"})
"""Of ours, those that are documented to search words beside vectors:
https://docs.aws.amazon.com/bedrock/latest/userguide/kb-test-config.html"""
SAY_EVERY = 20
Task = TypeVar("Task")
Result = TypeVar("Result")


def record(
    deployed: Stacks,
    *,
    searched: GoldenSet,
    asked: GoldenSet,
    others: GoldenSet,
    techniques: Sequence[str],
    cache: bool,
    wait_seconds: float,
    at_once: int,
) -> Recording:
    """Search and ask, the cache first, before it knows the questions, and in one state of the
    index, for which it waits at most so long.

    Techniques other than rag get the questions of `others`.
    """
    base = KnowledgeBase(deployed)
    store = deployed.output("VectorStore")
    searches = ("HYBRID", "SEMANTIC") if store in HYBRID_STORES else ("SEMANTIC",)
    retrieved = {
        search: dict(
            _all(
                [*searched.questions, *searched.unanswerable],
                lambda each, search=search: (each.id, base.retrieve(each.question, search)),  # type: ignore[misc]
                at_once=at_once,
                what=f"searches, {search}",
            )
        )
        for search in searches
    }
    answers: list[Answered] = []
    hits: list[CacheAsked] = []
    if techniques or cache:
        chat = Chat(deployed)
        if cache:
            hits = index_state(deployed).throughout(
                lambda: list(cache_hits(chat, searched.cache_pairs)), wait_seconds=wait_seconds
            )
        for technique in techniques:
            part = asked if technique == "rag" else others
            part = part.part(FEWER[technique]) if technique in FEWER else part
            answers += _answers(chat, part, technique, at_once=at_once)
    return Recording(
        store=store,
        chunking=base.chunking,
        model=deployed.outputs.get("ModelId", ""),
        where="the local AWS" if deployed.endpoint else "AWS",
        botocore=version("botocore"),
        retrieved=retrieved,
        answers=answers,
        cache=hits,
        made_with=dict.fromkeys([*techniques, *([CACHE] if hits else [])], fingerprint()),
    )


def _answers(chat: Chat, golden: GoldenSet, technique: str, *, at_once: int) -> list[Answered]:
    tasks = [
        *((each.id, each.question) for each in golden.questions),
        *((each.id, each.question) for each in golden.unanswerable),
        *((each.id, each.question) for each in golden.injections),
    ]
    return _all(
        tasks,
        lambda each: chat.ask(*each, technique=technique),
        at_once=at_once,
        what=f"answers, {technique}",
    )


def cache_hits(chat: Chat, pairs: Iterable[CachePair]) -> Iterator[CacheAsked]:
    """Ask the first question of a pair, then the second. Raises DeploymentError.

    First questions are asked before all second ones, so that entries compete. A question in other
    words is recognised when it gets the first one's answer. Any other answer out of the cache is
    wrong, whoever it belongs to, unless the same words were answered before; and where a first
    question was given another one's, its pair is.
    """
    pairs = list(pairs)
    own: dict[str, str] = {}
    cached = 0
    firsts = dict.fromkeys(pair.first for pair in pairs)
    for question in firsts:
        said = chat.ask("", question, technique="rag")
        cached += said.cached
        if not said.cached or said.answer not in own.values():
            own[question] = said.answer
    if 2 * cached > len(firsts):
        raise DeploymentError(
            "--cache: the cache holds these questions already, so repetitions would count as "
            "recognised; change a document, wait for its ingestion, and ask again"
        )
    for number, pair in enumerate(pairs, start=1):
        if number % SAY_EVERY == 0:
            print(f"cache: {number} of {len(pairs)} pairs", file=sys.stderr, flush=True)
        said = chat.ask("", pair.second, technique="rag")
        right = pair.same and said.cached and said.answer == own.get(pair.first)
        other = said.cached and not right and pair.second not in own
        yield CacheAsked(same=pair.same, right=right, wrong=other or pair.first not in own)
        if not said.cached:
            own.setdefault(pair.second, said.answer)


def _all(
    tasks: Sequence[Task], work: Callable[[Task], Result], *, at_once: int, what: str
) -> list[Result]:
    done: list[Result] = []
    with ThreadPoolExecutor(at_once) as pool:
        for result in pool.map(work, tasks):
            done.append(result)
            if len(done) % SAY_EVERY == 0 or len(done) == len(tasks):
                print(f"{what}: {len(done)} of {len(tasks)}", file=sys.stderr, flush=True)
    return done
