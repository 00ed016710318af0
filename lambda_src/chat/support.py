"""Where a chunk says what a sentence says, by their words, numbers and negations.

A chunk is read once, however many sentences are compared with it, and its passages are looked at
where it has a word or a number of the sentence.
"""

from __future__ import annotations

import re

from chat.words import NUMBER_STEMS, content_words, figures_of, negations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from chat.figures import Figure

WINDOW = 3
"""Sentences of a chunk that may support one of an answer."""
SENTENCE = re.compile(
    r"[^.!?\n。！？｡]*(?:[.!?](?!\s|$)[^.!?\n。！？｡]*)*"
    r"(?:[.!?]+[\"')]*|[。！？｡]+[\"')”’」』）]*|\n|$)"
)
EXCEPTION = re.compile(r"\b(?:without|except(?:ing)?|but not|unlimited)\b[^,;.()]*", re.IGNORECASE)
"""What denies no more than the few words behind it."""
APART = re.compile(
    r"[;()]|\b(?:but|while|whereas|although|though|because|since|however)\b", re.IGNORECASE
)
"""Between clauses, each of which denies for itself."""


class Support:
    """Where a chunk says what a sentence says: the passage, and the share of the words in it."""

    __slots__ = ("quote", "share")

    def __init__(self, quote: str, share: float) -> None:
        self.quote = quote
        self.share = share


class Said:
    """What a sentence says. `computed` are numbers that need not stand anywhere, rounded or not."""

    __slots__ = ("denials", "figures", "number_words", "words")

    def __init__(
        self, sentence: str, *, computed: frozenset[str] = frozenset(), loosely: bool = False
    ) -> None:
        self.words = frozenset(content_words(sentence)) - computed
        self.number_words = frozenset(
            word for word in self.words if word[0].isdecimal() or word in NUMBER_STEMS
        )
        found = figures_of(sentence, loosely=loosely)
        self.figures = [each for each in found if not _is_computed(each, computed)]
        self.denials = negations(sentence)


class Chunk:
    """A chunk of a document, cut into its sentences."""

    __slots__ = ("_clauses", "_marks", "_places", "_said", "_spans", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans = [each.span() for each in SENTENCE.finditer(text) if each.group().strip()]
        self._said = [Said(text[start:end], loosely=True) for start, end in self._spans]
        self._places: dict[str, list[int]] = {}
        self._marks: dict[str, list[int]] = {}
        self._clauses: dict[int, list[_Clause]] = {}
        for place, said in enumerate(self._said):
            for word in said.words:
                self._places.setdefault(word, []).append(place)
            for mark in {mark for each in said.figures for mark in _marks(each)}:
                self._marks.setdefault(mark, []).append(place)

    @property
    def words(self) -> set[str]:
        """All that carry meaning."""
        return set(self._places)

    def support(self, said: Said) -> Support | None:
        """The shortest passage with most of a sentence's words; None when none supports it."""
        shared: dict[int, set[str]] = {}
        best, most = None, 0
        numbered = [self._numbered(each, said, shared) for each in said.figures]
        if not said.words or not all(numbered):
            return None
        for word in said.words:
            for place in self._places.get(word, ()):
                shared.setdefault(place, set()).add(word)
        for length in range(1, WINDOW + 1):
            firsts = {place - back for place in shared for back in range(length)}
            for first in sorted(firsts):
                window = range(first, first + length)
                if first < 0 or window.stop > len(self._spans):
                    continue
                words = set().union(*(shared.get(place, ()) for place in window))
                if len(words) > most and self._agrees(window, said, shared, numbered):
                    best, most = window, len(words)
            if most == len(said.words):
                break
        if best is None:
            return None
        quote = self._text[self._spans[best[0]][0] : self._spans[best[-1]][1]]
        return Support(quote.strip(), most / len(said.words))

    def _numbered(self, figure: Figure, said: Said, shared: dict[int, set[str]]) -> set[int]:
        """Where a number of a sentence is; its words count as shared there, however it is written.

        With a unit it is there with a measure as long, or without any unit.
        """
        found = set[int]()
        unit = said.words.intersection(content_words(figure.unit)) if figure.unit else set()
        for mark in figure.measures or figure.values:
            for place in self._marks.get(mark, ()):
                shared.setdefault(place, set()).update(said.number_words, unit)
                found.add(place)
        for value in figure.values if figure.measures else ():
            for place in self._marks.get(f"{value} of", ()):
                shared.setdefault(place, set()).update(said.number_words)
                found.add(place)
        return found

    def _agrees(
        self, window: range, said: Said, shared: dict[int, set[str]], numbered: list[set[int]]
    ) -> bool:
        """Whether a passage has the numbers, and negates what is nearest to the sentence as it
        does.
        """
        if not all(places.intersection(window) for places in numbered):
            return False
        nearest = max(window, key=lambda place: len(shared.get(place, ())))
        return self._denials(nearest, shared.get(nearest, set())) % 2 == said.denials % 2

    def _denials(self, place: int, shared: set[str]) -> int:
        """How often a sentence negates in the clauses that are about the shared words."""
        whole = self._said[place].denials
        if not whole:
            return 0
        if place not in self._clauses:
            start, end = self._spans[place]
            self._clauses[place] = _clauses(self._text[start:end])
        clauses = self._clauses[place]
        meant = [each.is_meant(shared) for each in clauses]
        if not any(meant):
            return whole
        return sum(
            each.denials
            for each, told in zip(clauses, meant, strict=True)
            if told or not each.telling
        )


class _Clause:
    """A part of a sentence. `telling` are words by which it is known to be meant: those that no
    other part has, and all of an exception; of that also one of the `numbers` before it.
    """

    __slots__ = ("denials", "numbers", "telling")

    def __init__(self, text: str, *, before: str = "") -> None:
        self.denials = negations(text)
        self.numbers = {word for word in content_words(before) if word.isdecimal()}
        self.telling = set(content_words(text))

    def is_meant(self, words: set[str]) -> bool:
        """Whether a sentence with these words is about it."""
        return not self.telling.isdisjoint(words) and not (
            self.numbers and self.numbers.isdisjoint(words)
        )


def _clauses(sentence: str) -> list[_Clause]:
    exceptions, others, at = [], list[_Clause](), 0
    for match in (*EXCEPTION.finditer(sentence), None):
        before = sentence[at : match.start() if match else len(sentence)]
        parts = [each for each in APART.split(before) if each.strip(" ,.")]
        others += map(_Clause, parts)
        if match:
            exceptions.append(_Clause(match.group(), before=parts[-1] if parts else ""))
            at = match.end()
    times: dict[str, int] = {}
    for clause in (*exceptions, *others):
        for word in clause.telling:
            times[word] = times.get(word, 0) + 1
    for clause in others:
        clause.telling = {word for word in clause.telling if times[word] == 1}
    return [*exceptions, *others]


def _marks(figure: Figure) -> set[str]:
    """What a number of a chunk is found by: its values, its measures, its values without unit."""
    alone = () if figure.measures else (f"{value} of" for value in figure.values)
    return {*figure.values, *figure.measures, *alone}


def _is_computed(figure: Figure, computed: frozenset[str]) -> bool:
    return bool(computed) and any(
        value in computed or any(_rounds(each, value) for each in computed)
        for value in figure.values
    )


def _rounds(exact: str, value: str) -> bool:
    """Whether a value is what a longer one is when it is rounded to as many decimals."""
    try:
        decimals = len(value.partition(".")[2])
        longer = len(exact.partition(".")[2]) > decimals
        return (
            longer and float(value) > 0 and abs(float(exact) - float(value)) <= 0.5 / 10**decimals
        )
    except (ValueError, OverflowError):
        return False
