"""Holds an answer to its citations while it is being written.

A model cites documents by their index: `Messages are kept for four days [2].` Each citation is
compared with the chunk that it names. It is supported when the chunk has a passage of up to three
sentences with most of the sentence's words and all of its numbers, both negate or neither does, and
the chunk or its source has whatever the sentence spells as code.
A citation that is not supported is dropped and counted. A sentence without a citation that a chunk
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

    def _sentence(self, unit: str) -> None:
        said = unescaped(MARKER.sub("", unit).replace(NOT_IN_DOCUMENTS, ""))
        body = said.rstrip()
        gap = said[len(body) :] or unit[len(unit.rstrip()) :]
        if not body or (NOT_IN_DOCUMENTS in unit and not any(map(str.isalnum, body))):
            return
        bare = self._without_label(body)
        facts = Said(bare, computed=self._computed)
        kept = self._claimed(unit, bare, facts) or self._found(bare, facts)
        if not kept and not self._leads_on(bare):
            self.withheld += 1
            self._gap = max(self._gap, gap, key=lambda each: (each.count("\n"), len(each)))
            return
        marks = "".join(f"[{len(self.citations) + each}]" for each in range(1, len(kept) + 1))
        self.citations += kept
        begun = self._held or self._released
        body = self._gap + body if begun else body.lstrip()
        self._held.append(f"{body} {marks}" if marks else body)
        self._gap = gap
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

    def _claimed(self, unit: str, said: str, facts: Said) -> list[dict[str, str]]:
        """The supported ones of the citations that the model wrote; the others are counted."""
        kept: list[dict[str, str]] = []
        seen: set[int] = set()
        for match in MARKER.finditer(unit):
            for index in map(int, re.findall(r"\d+", match.group(1))):
                if index in seen:
                    continue
                seen.add(index)
                found = self._support(said, facts, index)
                if found is None or found.share < LEAST_SHARE:
                    self.dropped += 1
                else:
                    kept.append(self._citation(said, index, found))
        return kept

    def _found(self, said: str, facts: Said) -> list[dict[str, str]]:
        """A citation for a sentence that a chunk nearly says itself."""
        if len(facts.words) < FEWEST_WORDS_WITHOUT_CITATION:
            return []
        best, at = None, 0
        for index in range(1, len(self._passages) + 1):
            found = self._support(said, facts, index)
            if found is not None and (best is None or found.share > best.share):
                best, at = found, index
        if best is None or best.share < LEAST_SHARE_WITHOUT_CITATION:
            return []
        self.added += 1
        return [self._citation(said, at, best)]

    def _support(self, said: str, facts: Said, index: int) -> Support | None:
        if not 1 <= index <= len(self._passages):
            return None
        passage = self._passages[index - 1]
        if unknown(said, within=f"{passage.source} {passage.text}"):
            return None
        return self._read[index - 1].support(facts)

    @cached_property
    def _read(self) -> list[Chunk]:
        return [Chunk(passage.text) for passage in self._passages]

    def _citation(self, said: str, index: int, support: Support) -> dict[str, str]:
        passage = self._passages[index - 1]
        return {
            "text": said.strip(),
            "source": passage.source,
            "chunk": passage.chunk,
            "quote": support.quote,
        }
