"""What was found and answered: enough to score it again without asking again.

`evaluation.recorded_files` keeps it in files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


class RecordingError(ValueError):
    """A recording that cannot be used; the message names file, field and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One search: names of the chunks' documents, best first, and the best chunk's score."""

    ranked: Sequence[str]
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A document that an answer cites, and the words in it that it means."""

    document: str
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer of the chat API. `answered` is false when it said that it does not know,
    `failed` when no answer came.
    """

    id: str
    technique: str
    answer: str
    answered: bool
    stopped: bool = False
    cached: bool = False
    failed: bool = False
    milliseconds: float = 0
    citations: Sequence[Citation] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheAsked:
    """The second question of a pair: whether the two are the `same`; and whether the cache gave the
    first one's answer to it where they are (`right`), or what belongs to another question
    (`wrong`). With neither it was no hit.
    """

    same: bool
    right: bool
    wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run against one deployment. `retrieved`: by search type and question. `made_with`: by
    technique, and for the cache, the fingerprint of prompts and code (evaluation/fingerprint.py).
    """

    store: str
    chunking: str
    model: str
    where: str
    botocore: str
    retrieved: Mapping[str, Mapping[str, Found]] = field(default_factory=dict)
    answers: Sequence[Answered] = ()
    cache: Sequence[CacheAsked] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How it is told from others."""
        return f"{self.store}-{self.chunking}"

    def over(self, earlier: Recording | None) -> Recording:
        """This one with what an earlier recording of the same deployment has besides.

        Techniques, searches and the cache can so be recorded one after the other.
        """
        if earlier is None:
            return self
        asked = {each.technique for each in self.answers}
        return replace(
            self,
            retrieved={
                search: {**earlier.retrieved.get(search, {}), **self.retrieved.get(search, {})}
                for search in (*earlier.retrieved, *self.retrieved)
            },
            answers=[
                *(each for each in earlier.answers if each.technique not in asked),
                *self.answers,
            ],
            cache=self.cache or earlier.cache,
            made_with={**earlier.made_with, **self.made_with},
        )
