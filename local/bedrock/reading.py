"""What a prompt asks, read from its text: the question, the passages, the form of the answer.

Passages are elements such as <document index="1">, <passage id="2">, <search_result>, or blocks
that begin with [1]; the question is in <question>, or behind "Question:", or what is left of the
last message. A language model reads all of this by itself; the picker of sentences needs telling.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_REFUSAL = "The passages do not answer this question."

_ELEMENT = re.compile(
    r"<(document|passage|source|search_result|result|chunk)\b([^>]*)>(.*?)</\1>", re.DOTALL
)
_INDEX = re.compile(r"\b(?:index|id|n|number)\s*=\s*[\"']?([\w.-]+)")
_INNER = re.compile(r"<(content|text)>(.*?)</\1>", re.DOTALL)
_BLOCK = re.compile(r"^\[(\d+)\][ \t]*(.*?)(?=^\[\d+\]|\Z)", re.DOTALL | re.MULTILINE)
_TAG = re.compile(r"<[^<>]*>")
_QUESTION = re.compile(r"<(question|query)>(.*?)</\1>", re.DOTALL)
_QUESTION_LINE = re.compile(r"^(?:Question|User question|Query)\s*:\s*(.+)$", re.MULTILINE)
_TURN = re.compile(r"<turn>\s*<user>(.*?)</user>\s*<assistant>(.*?)</assistant>", re.DOTALL)
_REFUSAL_WORD = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]{2,})+\b")
_REFUSAL_SENTENCE = re.compile(
    r"(?:answer|say|reply|respond)(?:\s+with)?(?:\s+exactly)?\s*:?\s*[\"“]([^\"”]{3,200})[\"”]",
    re.IGNORECASE,
)
_OBSERVED = re.compile(r"<observation>(.*?)</observation>", re.DOTALL)
_ACTION = re.compile(r"^\s*Action:\s*(\w+)\s*:", re.MULTILINE)
_LABELLED = re.compile(
    r"(?:begin|start)s?\s+(?:\w+\s+){0,3}with\s+[`\"'“]?Answer:|Answer:\s*<", re.IGNORECASE
)
_REWRITING = re.compile(r"\b(?:rewrite|stands? alone|standalone)\b", re.IGNORECASE)
_CONDENSING = re.compile(r"\b(?:summari[sz]e|summary of|condense)\b", re.IGNORECASE)
_REFERRING = re.compile(
    r"^(?:and|but|or|so|what about|how about)\b|\b(?:its?|they|them|their|those|these|that one)\b",
    re.IGNORECASE,
)
_SUM = re.compile(r"\d+(?:\.\d+)?(?:\s*[-+*/x×]\s*\(?\d+(?:\.\d+)?\)?)+")


@dataclass(frozen=True, slots=True)
class Message:
    """One message's plain text. `role` is user or assistant; `query` is what is guarded as one."""

    role: str
    text: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to answer from, and the mark that cites it."""

    mark: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a conversation wants."""

    question: str
    passages: Sequence[Passage]
    refusal: str
    labelled: bool
    actions: frozenset[str]
    observed: Sequence[str]
    turns: Sequence[tuple[str, str]]
    instructions: str

    @property
    def grounded(self) -> bool:
        """Whether there are passages to answer from, or means to look for them."""
        return bool(self.passages) or "search" in self.actions

    @property
    def rewriting(self) -> bool:
        """Whether a follow-up is to be turned into a question that stands alone."""
        return not self.grounded and bool(_REWRITING.search(self.instructions))

    @property
    def condensing(self) -> bool:
        """Whether an earlier conversation is to be summed up."""
        return not self.grounded and bool(self.turns and _CONDENSING.search(self.instructions))

    @property
    def refers_back(self) -> bool:
        """Whether the question needs the one before it."""
        return bool(_REFERRING.search(self.question))

    @property
    def sum(self) -> str:
        """The arithmetic that the question spells out, if any."""
        found = _SUM.search(self.question)
        return found.group().replace("x", "*").replace("×", "*") if found else ""


def task(system: str, messages: Sequence[Message]) -> Task:
    """Read a conversation."""
    asked = [each for each in messages if each.role == "user"]
    first = "\n\n".join([system, asked[0].text if asked else ""])
    last = asked[-1].text if asked else ""
    return Task(
        question=_question(asked),
        passages=passages(_material(asked)),
        refusal=_refusal(first),
        labelled=bool(_LABELLED.search(first)),
        actions=frozenset(_ACTION.findall(first)),
        observed=[_plain(each) for message in asked for each in _OBSERVED.findall(message.text)],
        turns=[(_plain(user), _plain(answer)) for user, answer in _TURN.findall(last)],
        instructions=_ELEMENT.sub("", first),
    )


def _material(asked: Sequence[Message]) -> str:
    """Where the passages are: in the last message that has some, examples having come before.

    Results of searches add up, as their numbers go on.
    """
    if any(_OBSERVED.search(each.text) for each in asked):
        return "\n\n".join(each.text for each in asked)
    return next(
        (each.text for each in reversed(asked) if passages(each.text)),
        "",
    )


def passages(text: str) -> list[Passage]:
    """The passages of a text, each once, in order."""
    found: dict[str, Passage] = {}
    for place, (_, attributes, content) in enumerate(_ELEMENT.findall(text), start=1):
        inner = _INNER.search(content)
        index = _INDEX.search(attributes)
        mark = index.group(1) if index else str(place)
        found[mark] = Passage(mark, _plain(inner.group(2) if inner else content))
    if not found:
        for mark, content in _BLOCK.findall(text):
            if len(content.split()) > 3:
                found[mark] = Passage(mark, _plain(content))
    return list(found.values())


def _question(asked: Sequence[Message]) -> str:
    """Of the last message that asks; one that only brings results asks nothing."""
    for message in reversed(asked):
        if message.query:
            return _plain(message.query)
        named = [each for _, each in _QUESTION.findall(message.text)]
        named += _QUESTION_LINE.findall(message.text)
        if named:
            return _plain(named[-1])
        rest = _plain(_BLOCK.sub("", _ELEMENT.sub("", message.text)))
        if rest and "<observation>" not in message.text:
            return re.split(r"\n\s*\n", rest)[-1].strip()
    return ""


def _refusal(instructions: str) -> str:
    """How the prompt wants to hear that the passages do not answer."""
    word = _REFUSAL_WORD.search(instructions)
    if word:
        return word.group()
    sentence = _REFUSAL_SENTENCE.search(instructions)
    return sentence.group(1) if sentence else DEFAULT_REFUSAL


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text)).strip()
