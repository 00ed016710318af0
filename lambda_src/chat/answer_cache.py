"""Answers that were given before, for questions that ask the same.

An entry is found only within its scope: everything that an answer depends on besides the question.
Within it, the same words first, then vectors that are near enough and, of these, only questions in
which nothing differs that changes an answer (same_question.py).

The cache is never in the way: whatever goes wrong in it is a miss, a metric and a pause.
"""

from __future__ import annotations

import json
import time
from hashlib import sha256

from chat.same_question import may_share_answer, normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    class CacheStore(Protocol):
        """Where entries are. Scopes and keys are hexadecimal; anything may raise."""

        def exact(self, scope: str, key: str) -> str | None:
            """The entry under a key."""

        def near(self, scope: str, vector: Sequence[float]) -> list[tuple[float, str]]:
            """Cosine similarities and entries of the nearest."""

        def put(
            self, scope: str, key: str, vector: Sequence[float], entry: str, *, seconds: int
        ) -> None:
            """Keep an entry for so long."""


LEAST_SIMILARITY = 0.96
PAUSE_SECONDS = 30.0
"""How long a copy does without a cache that failed, so that a slow one is waited for once."""
LARGEST_ENTRY = 30_000
"""Bytes; a vector on S3 has 40 KB of metadata.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html"""


class Entry:
    """A question, as it was asked and so that it stands `alone`, its answer, the passages that the
    answer rests on, and how many of its sentences were withheld.
    """

    __slots__ = ("alone", "answer", "citations", "question", "withheld")

    def __init__(
        self,
        question: str,
        *,
        alone: str,
        answer: str,
        citations: list[dict[str, str]],
        withheld: int = 0,
    ) -> None:
        self.withheld = withheld
        self.question = question
        self.alone = alone
        self.answer = answer
        self.citations = citations


class Pause:
    """When a failed cache may be asked again; lives as long as the copy."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0

    @property
    def over(self) -> bool:
        """Whether the cache may be asked."""
        return self._clock() >= self._until

    def begin(self) -> None:
        """The cache failed."""
        self._until = self._clock() + PAUSE_SECONDS


def scope_of(**parts: object) -> str:
    """Names everything that an answer depends on besides the question."""
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class AnswerCache:
    """The cache as one request sees it; `embed` is called at most once."""

    def __init__(
        self,
        store: CacheStore | None,
        *,
        embed: Callable[[str], Sequence[float]],
        seconds: int,
        pause: Pause,
        failed: Callable[[str, Exception], object],
        similarity: float = LEAST_SIMILARITY,
    ) -> None:
        self._store = store
        self._embed = embed
        self._seconds = seconds
        self._pause = pause
        self._failed = failed
        self._similarity = similarity
        self._vector: Sequence[float] | None = None
        self.kind = "off" if store is None else "miss"

    def find(self, question: str, *, scope: str) -> Entry | None:
        """An answer that may be given again; `kind` says how it was found."""
        store = self._usable()
        if store is None:
            return None
        try:
            found = store.exact(scope, key_of(question))
            entry = _entry_of(found)
            if entry is not None and normalised(entry.question) == normalised(question):
                self.kind = "exact"
                return entry
            self._vector = self._embed(question)
            for similarity, text in sorted(store.near(scope, self._vector), reverse=True):
                entry = _entry_of(text) if similarity >= self._similarity else None
                if entry is not None and may_share_answer(question, entry.question):
                    self.kind = "near"
                    return entry
        except Exception as error:  # whatever it is, the answer is made without the cache
            self._fail("find", error)
        return None

    def keep(
        self,
        question: str,
        *,
        scope: str,
        alone: str,
        answer: str,
        citations: list[dict[str, str]],
        withheld: int = 0,
    ) -> None:
        """Keep an answer for whoever asks the same."""
        store = self._usable()
        if store is None:
            return
        content = {
            "question": question, "alone": alone, "answer": answer, "citations": citations,
            "withheld": withheld,
        }  # fmt: skip
        entry = json.dumps(content, separators=(",", ":"))
        if len(entry.encode()) > LARGEST_ENTRY:
            return
        try:
            vector = self._embed(question) if self._vector is None else self._vector
            store.put(scope, key_of(question), vector, entry, seconds=self._seconds)
        except Exception as error:  # as above
            self._fail("keep", error)

    def _usable(self) -> CacheStore | None:
        return self._store if self._store is not None and self._pause.over else None

    def _fail(self, doing: str, error: Exception) -> None:
        self._pause.begin()
        self._failed(doing, error)


def key_of(question: str) -> str:
    """The key of a question's words."""
    return sha256(normalised(question).encode()).hexdigest()


def _entry_of(text: str | None) -> Entry | None:
    """An entry as it was kept; None for anything else that may stand there."""
    if not text:
        return None
    try:
        content: Any = json.loads(text)
        citations = [
            {name: str(each[name]) for name in ("text", "source", "chunk", "quote")}
            for each in content["citations"]
        ]
        question, alone, answer = (content[name] for name in ("question", "alone", "answer"))
        withheld = int(content.get("withheld") or 0)
    except (ValueError, KeyError, TypeError):
        return None
    if not (all(isinstance(each, str) for each in (question, alone, answer)) and citations):
        return None
    if not answer:
        return None
    return Entry(question, alone=alone, answer=answer, citations=citations, withheld=withheld)
