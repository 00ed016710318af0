"""What is deployed on the local AWS: hybrid against vector search, and answers out of the cache.

Asks through the doors of `evaluation`; ingestion is measured by `python -m evaluation --ingest`,
which prints documents and seconds.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

from evaluation.__main__ import endpoint_of
from evaluation.deployment import Chat, KnowledgeBase, stacks
from evaluation.golden.golden_set import Question, golden_set
from evaluation.scores import retrieval_figures

QUESTIONS = 40
ANSWERS = 12
T = TypeVar("T")


def report(endpoint: str, *, stack: str = "Groundwork-dev") -> None:
    """Print the comparisons. Raises DeploymentError."""
    deployed = stacks(prefix=stack, endpoint=endpoint_of(endpoint))
    golden = golden_set().part(QUESTIONS)
    base = KnowledgeBase(deployed)
    print(f"\n{QUESTIONS} questions of the golden set on {deployed.output('VectorStore')}")
    for search in ("SEMANTIC", "HYBRID"):
        found, times = {}, []
        for question in golden.questions:
            ranked, spent = _timed(lambda: base.retrieve(question.question, search))  # noqa: B023
            found[question.id] = ranked
            times.append(spent)
        figures = retrieval_figures(found, golden)
        print(
            f"  {search:<9} recall@5 {figures['recall@5']:.3f}  mrr@10 {figures['mrr@10']:.3f}"
            f"  median {median(times):.0f} ms"
        )
    _cache(Chat(deployed), golden.questions[:ANSWERS])


def _cache(chat: Chat, questions: Sequence[Question]) -> None:
    """Each question once in words that no one used before, and then again."""
    first, again = [], []
    mark = secrets.token_hex(3)
    for question in questions:
        asked = f"{question.question} (note {mark})"
        said, spent = _timed(lambda: chat.ask("", asked, technique="rag"))  # noqa: B023
        if said.cached or not said.answered:
            continue
        first.append(spent)
        said, spent = _timed(lambda: chat.ask("", asked, technique="rag"))  # noqa: B023
        if said.cached:
            again.append(spent)
    if again:
        ratio = median(first) / median(again)
        print(
            f"  answer {median(first):.0f} ms, the same out of the cache {median(again):.0f} ms "
            f"({ratio:.0f} times as fast; {len(again)} of {len(first)} were cached)"
        )
    else:
        print(f"  {len(first)} answers, none of them out of the cache")


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - began) * 1000
