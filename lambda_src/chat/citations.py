"""Holds an answer to its citations while it is being written.

A model cites documents by their index: `Messages are kept for four days [2].` Each citation is
compared with the chunk that it names. It is supported when the chunk has a passage of up to three
sentences with most of the sentence's words and all of its numbers, both negate or neither does, and
the chunk or its source has whatever the sentence spells as code.

An answer is a row of blocks, and each has one rule (chat/outline.py says what stands over what):
    sentence     with a supported citation. One without gets one from a chunk that nearly says it.
                 A citation after several sentences of a line counts for each that it supports. One
                 that no chunk says as a whole is held part by part, cut at citations or clauses
    says nothing `here is what I found`, a bare yes, that the documents do not mention something:
                 as it is
    item, row    as a sentence that is read with its heading: under `Never:` it denies
    steps        up to the first that is withheld
    heading      with a supported citation; or short and in words of the chunks and the question,
                 together with the first of what it stands over. Under a withheld one are no items
    code         whole, if a chunk has each of its lines in that order; the citation is behind it
A citation that is not supported is dropped and counted. What is withheld is counted, and an
ellipsis stands for it. Nothing is released before the first supported citation, so that an answer
that has none is never shown. `[n]` in what is released is the n-th of `citations`. Numbers that a
tool computed need no source, if those that it computed with have one.

This is a comparison of words: it finds inventions, wrong numbers and wrong documents, and not every
wrong conclusion.
"""

from __future__ import annotations

import re
from functools import cached_property

from chat.outline import INDENTED, ITEM, LEADING, TABLE, WORDS, Outline, names
from chat.passages import unescaped
from chat.sentences import MARKER, Sentences
from chat.support import SENTENCE, Chunk, Said
from chat.verbatim import run, unknown
from chat.words import content_words, negations, numbers, says_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chat.outline import Heading
    from chat.passages import Passage
    from chat.support import Support

    Citation = dict[str, str]

NOT_IN_DOCUMENTS = "NOT_IN_DOCUMENTS"
LEAST_SHARE = 0.5
"""Of the sentence's words that have to stand in the passage it cites."""
LEAST_SHARE_WITHOUT_CITATION = 0.75
FEWEST_WORDS_WITHOUT_CITATION = 3
MISSING = "…"
_STOP_TWICE = re.compile(rf"(?<=[.!?])(?:{MARKER.pattern}){{1,30}}\.(?=\s|$)")
_CLAUSE = re.compile(r"\s*(?:;|[,:]?\s(?:and|but|while|whereas|und|aber|während)\b)\s*", re.I)
_MOST_CLAUSES = 8
_FENCED = re.compile(
    r"\s*(?P<fence>`{3,64}|~{3,64})[ \t]*[\w+#.\-]{0,20}[ \t]*\n(?P<lines>.*\n)[ \t]*(?P=fence)\Z",
    re.DOTALL,
)
_MARKED_LINE = re.compile(r"[ \t]+\[\d{1,3}\][ \t]*$", re.MULTILINE)
_SEPARATOR = re.compile(r"\s*\|[\s:|\-]*-[\s:|\-]*\Z")
_NOT_SAID = re.compile(
    r"(?:however, |but |unfortunately, )?(?:the|these) (?:\w+ )?(?:documents?|sources?|texts?)"
    r" (?:do not|don['’]t|does not|doesn['’]t) (?:\w+ )?"
    r"(?:say|mention|specify|state|tell|describe|explain|cover|contain|include|provide|give)"
    r"\b[^,;:–—.!?]{0,150}[.!]?\s*\Z"
    r"|(?:please )?let me know if you (?:need|have) [\w ]{0,40}[.!]?\s*\Z"
    r"|i hope (?:this|that) helps[.!]?\s*\Z",
    re.IGNORECASE,
)
"""That something is not in the documents, which nothing in them can say; and good manners."""


class _Written:
    """A piece of the answer: as it is shown, the white space behind it, and what is compared, alone
    and together with its heading.
    """

    __slots__ = ("alone", "body", "gap", "joined", "missing", "parts", "said", "waits")

    def __init__(
        self,
        body: str,
        *,
        gap: str,
        said: str,
        over: Sequence[Heading] = (),
        computed: frozenset[str] = frozenset(),
    ) -> None:
        self.body = body
        self.gap = gap
        self.said = said
        self.parts: list[tuple[str, list[Citation]]] = [(body, [])]
        self.waits = self.missing = False
        denied = any(each.denies for each in over) and not negations(said)
        self.alone = self.joined = Said(f"not {said}" if denied else said, computed=computed)
        if over and not denied:
            self.joined = Said(f"{over[-1].said} {said}", computed=computed)

    @property
    def citations(self) -> list[Citation]:
        """Those of its parts."""
        return [each for _, kept in self.parts for each in kept]


class CitedAnswer:
    """An answer as it grows: `feed` what the model writes, then `finish`."""

    def __init__(
        self,
        passages: Sequence[Passage],
        *,
        question: str = "",
        release: Callable[[str], object] = len,
        computed: Sequence[str] = (),
    ) -> None:
        self.citations: list[Citation] = []
        self.dropped = 0
        self.added = 0
        self.withheld = 0
        self._passages = passages
        self._question = question
        self._release = release
        self._computed = frozenset(number for text in computed for number in numbers(text))
        self._sentences = Sentences()
        self._outline = Outline(self._ended)
        self._waiting: dict[Heading, _Written] = {}
        self._before: str | None = None
        self._gap = ""
        self._uncited: list[_Written] = []
        self._pending: list[_Written] = []
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
        for unit in self._sentences.of(text):
            self._unit(unit)

    def finish(self, *, cut: bool = False) -> None:
        """The model has written all it wanted to, or was cut off: then what it began last goes."""
        rest = self._sentences.rest()
        if rest.strip() and not cut:
            self._unit(rest)
        self._cite_before(())
        self._outline.close(0)
        if rest.strip() and cut:
            self._miss(_Written("", gap="", said=""))
        self._show_pending()

    def _unit(self, unit: str) -> None:
        text = unescaped(unit).replace(NOT_IN_DOCUMENTS, "")
        said = MARKER.sub("", _STOP_TWICE.sub("", text))
        body = said.rstrip()
        gap = said[len(body) :] or unit[len(unit.rstrip()) :]
        if body != text.rstrip():
            gap = _two_lines(gap)
        before, self._before = self._before, gap
        if not body or (NOT_IN_DOCUMENTS in unit and not any(map(str.isalnum, body))):
            return
        begins = before is None or "\n" in before
        indent = (before or "")[(before or "").rfind("\n") + 1 :]
        if begins and body.lstrip().startswith(("```", "~~~")):
            self._code(text, gap=gap, indent=indent)
        elif begins and body.lstrip().startswith("|"):
            self._table(text, gap=gap)
        else:
            if begins:
                said, level = self._outline.line(body, before=before)
            else:
                level = self._outline.last(body) if "\n" in gap else 0
            self._sentence(text, self._written(body, gap=gap, said=said.rstrip()), level=level)

    def _written(
        self, body: str, *, gap: str, said: str, over: Sequence[Heading] | None = None
    ) -> _Written:
        over = self._outline.over() if over is None else over
        return _Written(body, gap=gap, said=said, over=over, computed=self._computed)

    def _sentence(self, text: str, one: _Written, *, level: int) -> None:
        lacking = self._outline.lacking()
        indexes = _indexes(text)
        if not lacking:
            self._cite(one, text, indexes)
        self._drop(indexes, one.citations)
        if level:
            self._cite_before(indexes)
            self._heading(one, level=level, lacking=lacking or self._outline.lacking())
            return
        if not lacking and not one.citations:
            one.parts = [(one.body, self._found(one))]
        nothing = not lacking and not indexes and self._says_nothing(one.said)
        if not (one.citations or indexes or lacking or nothing):
            self._uncited.append(one)
            if "\n" in one.gap:
                self._cite_before(())
            return
        self._cite_before(indexes)
        self._show_or_withhold(one, shown=bool(one.citations) or nothing)

    def _cite(self, one: _Written, text: str, indexes: Sequence[int]) -> None:
        """Hold a sentence to its citations: in the pieces before each, or as a whole, or clause by
        clause.
        """
        pieces = _pieces(text[len(one.body) - len(one.said) :].rstrip())
        if len(pieces) > 1:
            written = [self._written(said, gap="", said=said) for said, _ in pieces]
            parts = [
                (said, self._supported(each, found))
                for each, (said, found) in zip(written, pieces, strict=True)
            ]
            if all(kept for _, kept in parts):
                label = one.body[: len(one.body) - len(one.said)]
                one.parts = [(label, []), *parts] if label else parts
                return
        kept = self._supported(one, indexes)
        if not kept and indexes:
            clauses = [self._written(said, gap="", said=said) for said in _clauses(one.said)]
            found = [self._supported(each, indexes)[:1] for each in clauses]
            if len(found) > 1 and all(found):
                kept = [each for (each,) in found]
        one.parts = [(one.body, kept)]

    def _heading(self, one: _Written, *, level: int, lacking: bool) -> None:
        """A line over others: it is shown with the first of them, or as a sentence is."""
        heading = self._outline.open(one.said, level=level)
        named = not lacking and self._names(one.said)
        may_be_found = level >= INDENTED or (level >= LEADING and not named)
        if may_be_found and not one.citations and not lacking:
            one.parts = [(one.body, self._found(one))]
        if one.citations or (named and self._says_nothing(one.said)):
            self._show(one)
        elif named:
            self._wait(one, heading)
        else:
            heading.withheld = True
            self._withhold(one)

    def _wait(self, one: _Written, heading: Heading) -> None:
        one.waits = True
        self._pending.append(one)
        self._waiting[heading] = one

    def _ended(self, heading: Heading) -> None:
        """A heading over nothing that is shown is withheld as well."""
        one = self._waiting.pop(heading, None)
        if one is not None and one.waits:
            one.missing = heading.withheld = True
            self.withheld += 1

    def _table(self, text: str, *, gap: str) -> None:
        """Rows under a header. A citation below counts for each row that it supports."""
        self._outline.block()
        lacking = self._outline.lacking(block=True)
        over = [*self._outline.over(block=True)]
        lines = [line.rstrip() for line in text.strip().split("\n")]
        rows = [line for line in lines if line.lstrip().startswith("|")]
        below = _indexes("\n".join(line for line in lines if not line.lstrip().startswith("|")))
        if len(rows) > 1 and _SEPARATOR.match(rows[1]):
            header = MARKER.sub("", rows[0])
            one = self._written(f"{header}\n{rows[1]}", gap="\n", said=_cells(header), over=())
            heading = self._outline.open(one.said, level=TABLE)
            over.append(heading)
            lacking = lacking or not all(map(self._names, one.said.split(" | ")))
            if lacking:
                heading.withheld = True
                self._withhold(one)
            else:
                self._wait(one, heading)
            rows = rows[2:]
        used: list[Citation] = []
        for number, row in enumerate(rows, 1):
            body = MARKER.sub("", row)
            behind = gap if number == len(rows) else "\n"
            one = self._written(body, gap=behind, said=_cells(body), over=over)
            own = _indexes(row)
            kept = [] if lacking else self._supported(one, own or below) or self._found(one)
            used += kept
            self._drop(own, kept)
            if kept:
                pipe = " |" if body.endswith("|") else ""
                one.parts = [(body.removesuffix("|").rstrip(), kept), (pipe, [])]
                self._show(one)
            else:
                one.body = f"| {MISSING} |" if over and over[-1].level == TABLE else MISSING
                self._withhold(one)
        self._drop(below, used)
        self._outline.close(TABLE)

    def _code(self, text: str, *, gap: str, indent: str) -> None:
        """A fenced block, whole or not at all."""
        self._outline.block()
        over = self._outline.over(block=True)
        end = max(text.rfind("```"), text.rfind("~~~")) + 3
        body, behind = text[:end].strip("\n"), text[end:]
        fenced = None if MARKER.sub("", behind).strip() else _FENCED.match(body)
        indexes = _indexes(behind)
        apart = "\n" if gap.count("\n") == 1 else ""  # the citation is a paragraph of its own
        one = self._written("", gap=apart + gap, said="", over=())
        if not (
            fenced is None or self._outline.lacking(block=True) or any(each.denies for each in over)
        ):
            lines = fenced.group("lines")
            kept = self._copied(lines, indexes)
            if not kept and (unmarked := _MARKED_LINE.sub("", lines)) != lines:
                kept = self._copied(unmarked, indexes)
                body = body.replace(lines, unmarked)
            one.parts = [(f"{body}\n{indent}", kept)]
        self._drop(indexes, one.citations)
        if one.citations:
            self._show(one)
        else:
            self._withhold(one)

    def _copied(self, code: str, indexes: Sequence[int]) -> list[Citation]:
        """The chunk that has the lines of a block, if there is one: a cited one first."""
        lines = [line for line in code.split("\n") if line.strip()]
        known = [index for index in indexes if 1 <= index <= len(self._passages)]
        for index in dict.fromkeys((*known, *range(1, len(self._passages) + 1))):
            passage = self._passages[index - 1]
            found = run(lines, passage.text)
            if found is not None:
                self.added += index not in indexes
                return [self._citation(code, index, passage.text[slice(*found)])]
        return []

    def _cite_before(self, indexes: Sequence[int]) -> None:
        """Show the sentences before a citation that it counts for as well, and withhold others."""
        for one in self._uncited:
            one.parts = [(one.body, self._supported(one, indexes))]
            self._show_or_withhold(one, shown=bool(one.citations))
        self._uncited.clear()

    def _show_or_withhold(self, one: _Written, *, shown: bool) -> None:
        if shown and not self._outline.lacking():
            self._show(one)
            return
        self._withhold(one)
        if "\n" in one.gap:
            self._outline.missing(one.said)

    def _drop(self, indexes: Sequence[int], kept: Sequence[Citation]) -> None:
        """Count the citations that the model wrote and that are not shown."""
        chunks = {each["chunk"] for each in kept}
        self.dropped += sum(
            not (0 < each <= len(self._passages) and self._passages[each - 1].chunk in chunks)
            for each in indexes
        )

    def _withhold(self, one: _Written) -> None:
        self.withheld += 1
        self._outline.lacks()
        self._miss(one)

    def _miss(self, one: _Written) -> None:
        one.missing = True
        self._pending.append(one)

    def _show(self, one: _Written) -> None:
        self._show_pending()
        self._emit(one)

    def _show_pending(self) -> None:
        """Headings over what is shown, and an ellipsis for what is not."""
        missing: _Written | None = None
        for one in self._pending:
            one.waits = False
            if one.missing and missing:
                self._widen(one.gap)
            elif one.missing:
                match = ITEM.match(one.body)
                row = MISSING in one.body
                shown = one.body if row else (match.group() if match else "") + MISSING
                one.parts = [(shown, [])]
                self._emit(one)
            else:
                self._emit(one)
            missing = one if one.missing else None
        self._pending.clear()

    def _emit(self, one: _Written) -> None:
        text = ""
        for part, kept in one.parts:
            first = len(self.citations) + 1
            self.citations += kept
            marks = "".join(f"[{number}]" for number in range(first, first + len(kept)))
            space = " " if marks and part == part.rstrip() else ""
            text += f"{part}{space}{marks}"
        begun = self._held or self._released
        self._held.append(self._gap + text if begun else text.lstrip())
        self._gap = one.gap
        if self.citations:
            for text in self._held:
                self._released.append(text)
                self._release(text)
            self._held.clear()

    def _widen(self, gap: str) -> None:
        """White space in place of something: as many lines, and the next begins where it does."""
        lines = max(self._gap.count("\n"), gap.count("\n"))
        self._gap = "\n" * lines + gap[gap.rfind("\n") + 1 :] if lines else self._gap or gap

    def _says_nothing(self, said: str) -> bool:
        """Whether nothing is said that could be checked."""
        if unknown(said, within=self._everything):
            return False
        if says_nothing(said):
            return True
        return bool(_NOT_SAID.match(said)) and self._numbers.issuperset(numbers(said))

    def _names(self, said: str) -> bool:
        """Whether a heading is short and in words of the chunks and of the question."""
        return (
            names(said)
            and self._words.issuperset(content_words(said))
            and self._numbers.issuperset(numbers(said))
            and not unknown(said, within=self._everything)
        )

    def _supported(self, one: _Written, indexes: Sequence[int]) -> list[Citation]:
        """Those of the citations that the model wrote whose chunk says it."""
        said = one.alone if one.alone.words else one.joined
        found = [(index, self._support(one, said, index)) for index in indexes]
        return [
            self._citation(one.said, index, support.quote)
            for index, support in found
            if support is not None and support.share >= LEAST_SHARE
        ]

    def _found(self, one: _Written) -> list[Citation]:
        """A citation for a sentence that a chunk nearly says itself."""
        if len(one.joined.words) < FEWEST_WORDS_WITHOUT_CITATION:
            return []
        best, at = None, 0
        for index in range(1, len(self._passages) + 1):
            found = self._support(one, one.joined, index)
            if found is not None and (best is None or found.share > best.share):
                best, at = found, index
        if best is None or best.share < LEAST_SHARE_WITHOUT_CITATION:
            return []
        if one.joined is not one.alone and one.alone.words:
            alone = self._support(one, one.alone, at)
            if alone is None or alone.share < LEAST_SHARE_WITHOUT_CITATION:
                return []
            if len([each for each in SENTENCE.finditer(alone.quote) if each.group().strip()]) > 1:
                return []  # a plan's name of one sentence and another's price of the next
        self.added += 1
        return [self._citation(one.said, at, best.quote)]

    def _support(self, one: _Written, said: Said, index: int) -> Support | None:
        if not 1 <= index <= len(self._passages):
            return None
        passage = self._passages[index - 1]
        if unknown(one.said, within=f"{passage.source} {passage.text}"):
            return None
        return self._read[index - 1].support(said)

    @cached_property
    def _read(self) -> list[Chunk]:
        return [Chunk(passage.text) for passage in self._passages]

    @cached_property
    def _everything(self) -> str:
        return "\n".join(f"{each.source} {each.text}" for each in self._passages)

    @cached_property
    def _words(self) -> frozenset[str]:
        return WORDS.union(content_words(self._question), *(each.words for each in self._read))

    @cached_property
    def _numbers(self) -> frozenset[str]:
        texts = [self._question, *(each.text for each in self._passages)]
        return self._computed.union(*(numbers(text) for text in texts))

    def _citation(self, text: str, index: int, quote: str) -> Citation:
        passage = self._passages[index - 1]
        return {
            "text": text.strip(),
            "source": passage.source,
            "chunk": passage.chunk,
            "quote": quote,
        }


def _indexes(unit: str) -> list[int]:
    """The indexes that a sentence cites, each once."""
    found = (index for each in MARKER.findall(unit) for index in each.split(","))
    return list(dict.fromkeys(map(int, found)))


def _two_lines(gap: str) -> str:
    """White space with at most one empty line, of which citations were taken away."""
    return "\n" * min(2, gap.count("\n")) + gap[gap.rfind("\n") + 1 :]


def _pieces(text: str) -> list[tuple[str, list[int]]]:
    """A sentence cut behind its citations, each piece with its own."""
    text = _STOP_TWICE.sub(lambda match: match.group()[:-1], text)
    found: list[tuple[str, list[int]]] = []
    at = 0
    for match in MARKER.finditer(text):
        said, indexes = text[at : match.start()], _indexes(match.group())
        if found and not any(map(str.isalnum, said)):
            found[-1][1].extend(indexes)
        else:
            found.append((said, indexes))
        at = match.end()
    if found:
        said, indexes = found.pop()
        found.append((said + text[at:], indexes))
    return found


def _clauses(said: str) -> list[str]:
    """A sentence cut before what joins its clauses, each of which has words to compare."""
    found: list[str] = []
    at = 0
    for match in (*_CLAUSE.finditer(said), None):
        end = match.start() if match else len(said)
        words = content_words(said[at:end])
        if found and len(words) < 2:
            found[-1] += said[at:end]
        elif len(words) >= 2 or match is None:
            found.append(said[at:end])
        else:
            continue
        at = end
    return found if len(found) <= _MOST_CLAUSES else []


def _cells(row: str) -> str:
    """A row of a table without its outer lines."""
    return " | ".join(each.strip() for each in row.strip().strip("|").split("|"))
