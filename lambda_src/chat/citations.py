"""Holds an answer to its citations while it is being written.

A model cites documents by their index: `Messages are kept for four days [2].` Each citation is
compared with the chunk that it names. It is supported when the chunk has a passage of up to three
sentences with most of the sentence's words and all of its numbers, both negate or neither does, and
the chunk or its source has whatever the sentence spells as code.
A citation that is not supported is dropped and counted. One after several sentences of a line
counts for each of them that it supports. A sentence without a citation that a chunk
nearly says itself gets one, since small models forget them. Numbers that a tool computed need no
source, if those that it computed with have one.

A sentence that is left without a supported citation is withheld and counted, unless it says
nothing that could be checked: `Here is what I found`, a bare yes or no, or a heading in words of
the chunks. Such a sentence is released with a supported one. Nothing is released before the first
supported citation, so that an answer that has none is never shown. `[n]` in what is released is the
n-th of `citations`.

This is a comparison of words: it finds inventions, wrong numbers and wrong documents, and not every
wrong conclusion.
"""

from __future__ import annotations

import re
from functools import cached_property

from chat.passages import unescaped
from chat.sentences import MARKER, Sentences
from chat.support import Chunk, Said
from chat.verbatim import unknown
from chat.words import CONNECTING, content_words, negations, numbers, says_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chat.passages import Passage
    from chat.support import Support

NOT_IN_DOCUMENTS = "NOT_IN_DOCUMENTS"
LEAST_SHARE = 0.5
"""Of the sentence's words that have to stand in the passage it cites."""
LEAST_SHARE_WITHOUT_CITATION = 0.75
FEWEST_WORDS_WITHOUT_CITATION = 3
LABEL = re.compile(r"\s*(\d{1,3})[.)]\s+")
"""The number of an item in a list."""


class _Written:
    """A sentence of the answer: as it is shown, the white space behind, and what is compared."""

    __slots__ = ("body", "facts", "gap", "said")

    def __init__(self, body: str, *, gap: str, said: str, computed: frozenset[str]) -> None:
        self.body = body
        self.gap = gap
        self.said = said
        self.facts = Said(said, computed=computed)


class CitedAnswer:
    """An answer as it grows: `feed` what the model writes, then `finish`."""

    def __init__(
        self,
        passages: Sequence[Passage],
        *,
        release: Callable[[str], object] = len,
        computed: Sequence[str] = (),
    ) -> None:
        self.citations: list[dict[str, str]] = []
        self.dropped = 0
        self.added = 0
        self.withheld = 0
        self._passages = passages
        self._release = release
        self._computed = frozenset(number for text in computed for number in numbers(text))
        self._sentences = Sentences()
        self._label = 0
        self._gap = ""
        self._uncited: list[_Written] = []
        self._held: list[str] = []
        self._released: list[str] = []

    @property
    def answered(self) -> bool:
        """Whether anything that was said is supported."""
        return bool(self.citations)

    @property
    def text(self) -> str:
        """What was released; nothing without a supported citation."""
        return "".join(self._released).strip()

    def feed(self, text: str) -> None:
        """Take the next piece of the answer, however it is cut."""
        for sentence in self._sentences.of(text):
            self._sentence(sentence)

    def finish(self) -> None:
        """The model has written all it wanted to."""
        rest = self._sentences.rest()
        if rest.strip():
            self._sentence(rest)
        self._cite_before(())

    def _sentence(self, unit: str) -> None:
        said = unescaped(MARKER.sub("", unit).replace(NOT_IN_DOCUMENTS, ""))
        body = said.rstrip()
        gap = said[len(body) :] or unit[len(unit.rstrip()) :]
        if not body or (NOT_IN_DOCUMENTS in unit and not any(map(str.isalnum, body))):
            return
        one = _Written(body, gap=gap, said=self._without_label(body), computed=self._computed)
        indexes = _indexes(unit)
        kept = self._supported(one, indexes)
        self.dropped += len(indexes) - len(kept)
        kept = kept or self._found(one)
        if not kept and not indexes and not self._leads_on(one.said):
            self._uncited.append(one)
            if "\n" in gap:
                self._cite_before(())
            return
        self._cite_before(indexes)
        if kept or self._leads_on(one.said):
            self._show(one, kept)
        else:
            self._withhold(one)

    def _cite_before(self, indexes: Sequence[int]) -> None:
        """Show the sentences before a citation that it counts for as well, and withhold others."""
        for one in self._uncited:
            kept = self._supported(one, indexes)
            if kept:
                self._show(one, kept)
            else:
                self._withhold(one)
        self._uncited.clear()

    def _withhold(self, one: _Written) -> None:
        self.withheld += 1
        self._gap = max(self._gap, one.gap, key=lambda gap: (gap.count("\n"), len(gap)))

    def _show(self, one: _Written, kept: list[dict[str, str]]) -> None:
        marks = "".join(f"[{len(self.citations) + each}]" for each in range(1, len(kept) + 1))
        self.citations += kept
        begun = self._held or self._released
        body = self._gap + one.body if begun else one.body.lstrip()
        self._held.append(f"{body} {marks}" if marks else body)
        self._gap = one.gap
        if self.citations:
            for text in self._held:
                self._released.append(text)
                self._release(text)
            self._held.clear()

    def _without_label(self, body: str) -> str:
        """A sentence without the number of its place in a list, which no chunk has to have."""
        match = LABEL.match(body)
        if match is None or int(match.group(1)) not in (1, self._label + 1):
            return body
        self._label = int(match.group(1))
        return body[match.end() :]

    def _leads_on(self, said: str) -> bool:
        """Whether nothing is said that could be checked, or a heading in words of the chunks."""
        if unknown(said, within="\n".join(f"{each.source} {each.text}" for each in self._passages)):
            return False
        if says_nothing(said):
            return True
        heading = said.endswith(":") or said.startswith("#")
        if not heading or numbers(said) or negations(said):
            return False
        words = CONNECTING.union(*(each.words for each in self._read))
        return words.issuperset(content_words(said))

    def _supported(self, one: _Written, indexes: Sequence[int]) -> list[dict[str, str]]:
        """Those of the citations that the model wrote whose chunk says it."""
        found = [(index, self._support(one, index)) for index in indexes]
        return [
            self._citation(one, index, support)
            for index, support in found
            if support is not None and support.share >= LEAST_SHARE
        ]

    def _found(self, one: _Written) -> list[dict[str, str]]:
        """A citation for a sentence that a chunk nearly says itself."""
        if len(one.facts.words) < FEWEST_WORDS_WITHOUT_CITATION:
            return []
        best, at = None, 0
        for index in range(1, len(self._passages) + 1):
            found = self._support(one, index)
            if found is not None and (best is None or found.share > best.share):
                best, at = found, index
        if best is None or best.share < LEAST_SHARE_WITHOUT_CITATION:
            return []
        self.added += 1
        return [self._citation(one, at, best)]

    def _support(self, one: _Written, index: int) -> Support | None:
        if not 1 <= index <= len(self._passages):
            return None
        passage = self._passages[index - 1]
        if unknown(one.said, within=f"{passage.source} {passage.text}"):
            return None
        return self._read[index - 1].support(one.facts)

    @cached_property
    def _read(self) -> list[Chunk]:
        return [Chunk(passage.text) for passage in self._passages]

    def _citation(self, one: _Written, index: int, support: Support) -> dict[str, str]:
        passage = self._passages[index - 1]
        return {
            "text": one.said.strip(),
            "source": passage.source,
            "chunk": passage.chunk,
            "quote": support.quote,
        }


def _indexes(unit: str) -> list[int]:
    """The indexes that a sentence cites, each once."""
    found = (index for each in MARKER.findall(unit) for index in each.split(","))
    return list(dict.fromkeys(map(int, found)))
