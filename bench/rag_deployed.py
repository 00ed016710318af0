"""What is deployed on the local AWS: ingestion, hybrid against vector search, answers with a cache.

Asks through the doors of `evaluation`. A local AWS of its own is filled and knows no question yet;
of one that is up, only searches and answers are measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import TypeVar

from evaluation.__main__ import endpoint_of
from evaluation.deployment import Chat, DeploymentError, KnowledgeBase, Stacks, stacks
from evaluation.golden.documents import golden_documents
from evaluation.golden.golden_set import Question, golden_set
from evaluation.recording import Found
from evaluation.scores import retrieval_figures
from evaluation.variants import VARIANTS, deployed

OWN = "own"
QUESTIONS = 100
ANSWERS = 40
FEWEST = 5
INGEST_SECONDS = 900.0
PREFIX = "Groundwork-dev"
T = TypeVar("T")


def report(endpoint: str) -> None:
    """Print the comparisons. Raises DeploymentError."""
    if endpoint != OWN:
        _compared(stacks(prefix=PREFIX, endpoint=endpoint_of(endpoint)))
        return
    print("\na local AWS is deployed and filled", flush=True)
    with deployed(VARIANTS["default"]) as url:
        found = stacks(prefix=PREFIX, endpoint=url)
        documents = list(golden_documents())
        seconds = KnowledgeBase(found).ingest(documents, wait_seconds=INGEST_SECONDS)
        print(
            f"  {len(documents)} documents from the first upload to the last indexed in "
            f"{seconds:.0f} s: {len(documents) / seconds:.1f} documents a second"
        )
        _compared(found)


def _compared(found: Stacks) -> None:
    golden = golden_set()
    base = KnowledgeBase(found)
    print(f"{QUESTIONS} questions of the golden set on {found.output('VectorStore')}")
    asked = golden.part(QUESTIONS)
    for search in ("SEMANTIC", "HYBRID"):
        ranked: dict[str, Found] = {}
        times = []
        for question in asked.questions:
            ranked[question.id], spent = _timed(
                lambda: base.retrieve(question.question, search)  # noqa: B023
            )
            times.append(spent)
        figures = retrieval_figures(ranked, asked)
        print(
            f"  {search:<9} recall@5 {figures['recall@5']:.3f}  mrr@10 {figures['mrr@10']:.3f}"
            f"  {_spread(times)}",
            flush=True,
        )
    _cache(Chat(found), golden.part(ANSWERS).questions)


def _cache(chat: Chat, questions: Sequence[Question]) -> None:
    """Each question once, and those that were made anew a second time. Raises DeploymentError."""
    first, again, other = [], [], 0
    for question in questions:
        said, spent = _timed(lambda: chat.ask("", question.question, technique="rag"))  # noqa: B023
        if said.cached or not said.answered:
            other += 1
            continue
        first.append(spent)
        said, spent = _timed(lambda: chat.ask("", question.question, technique="rag"))  # noqa: B023
        if said.cached:
            again.append(spent)
    if len(first) < FEWEST:
        raise DeploymentError(
            f"{other} of {len(questions)} answers were refused or came out of the cache at once; "
            f"measure a fresh deployment: python -m bench.rag --deployed"
        )
    print(f"  answer            {_spread(first)}  ({len(first)} questions)")
    if not again:
        print("  none of them came out of the cache the second time; is assistant.cache off?")
        return
    print(
        f"  out of the cache  {_spread(again)}  ({len(again)} of {len(first)} questions), "
        f"{median(first) / median(again):.1f} times as fast"
    )


def _spread(times: Sequence[float]) -> str:
    p95 = quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return f"median {median(times):4.0f} ms, p95 {p95:4.0f} ms"


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - began) * 1000
