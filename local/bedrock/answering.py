"""Who answers a chat, and with what.

A prompt with passages is answered by the picker of sentences, which cites as the prompts of this
repository demand it; a prompt without any by the small language model. A control may bind a model
id to one of them. Whoever it was is in the header `x-groundwork-model` of the answer.
"""

from __future__ import annotations

import fnmatch
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from local.bedrock.model_ids import Model
from local.bedrock.reading import Message, Task, task
from local.models import extractive, language
from local.models.client import Models
from local.models.extractive import pick
from local.models.files import LANGUAGE, installed
from local.models.language import Sampling

Player = Literal["automatic", "extractive", "generative"]
PLAYERS: tuple[Player, ...] = ("automatic", "extractive", "generative")
# The id of a small open model asks for the small model's own words, whatever the prompt.
BOUND: Mapping[str, Player] = {"meta.llama3-2-1b-instruct-v1:0": "generative"}
NOT_INSTALLED = (
    "[emulator text: no language model is installed; run: rm .venv/.models; make .venv/.models]"
)
EMULATOR = "none (emulator text)"
CHARACTERS_PER_TOKEN = 4
SUMMARY_CHARACTERS = 160


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool that Converse offers; `argument` is its first text parameter."""

    name: str
    argument: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer: text, or the call of a tool."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    tool: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Chat:
    """What is to be answered."""

    model: Model
    system: str
    messages: Sequence[Message]
    sampling: Sampling
    tools: Sequence[Tool] = ()
    tool_results: int = 0


class Answering:
    """The two answerers, and which model id is bound to which."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._bound = dict(BOUND)

    @property
    def bound(self) -> Mapping[str, Player]:
        """Patterns of model ids, and who plays them."""
        return self._bound

    def bind(self, pattern: str, player: Player) -> None:
        """Let one of them answer for all model ids that fit a pattern."""
        self._bound = {pattern: player, **self._bound}

    def unbind(self) -> None:
        """As at the start."""
        self._bound = dict(BOUND)

    def played_by(self, chat: Chat) -> str:
        """The name of who will answer."""
        if self._extractive(chat, task(chat.system, chat.messages)):
            return f"extractive sentence picker ({self._models.embedded_by})"
        return language.NAME if installed(LANGUAGE) else EMULATOR

    def answer(self, chat: Chat, told: Callable[[str], None] | None = None) -> Reply:
        """Answer; `told` hears the text piece by piece. Raises ModelsError."""
        wanted = task(chat.system, chat.messages)
        if chat.tools and not chat.tool_results:
            return _call(chat, wanted.question)
        if self._extractive(chat, wanted):
            return _cut(chat, self._extract(wanted), told)
        if not installed(LANGUAGE):
            return _cut(chat, NOT_INSTALLED, told)
        made = self._models.complete(_dialogue(chat), chat.sampling, told)
        return Reply(
            text=made.text,
            stop_reason=made.stop_reason,
            input_tokens=made.input_tokens,
            output_tokens=made.output_tokens,
        )

    def _extractive(self, chat: Chat, wanted: Task) -> bool:
        player = next(
            (
                each
                for pattern, each in self._bound.items()
                if fnmatch.fnmatch(chat.model.id, pattern)
            ),
            "automatic",
        )
        if player == "automatic":
            return wanted.grounded or wanted.rewriting or wanted.condensing
        return player == "extractive"

    def _extract(self, wanted: Task) -> str:
        if wanted.actions:
            return self._act(wanted)
        if wanted.rewriting:
            return _rewritten(wanted)
        if wanted.condensing:
            return _condensed(wanted)
        return self._quoted(wanted)

    def _act(self, wanted: Task) -> str:
        """One step of reasoning and acting: compute what is spelled out, else search once."""
        if "calculate" in wanted.actions and wanted.sum:
            if not wanted.observed:
                return f"Thought: this is a sum.\nAction: calculate: {wanted.sum}"
            return f"Answer: {wanted.sum} = {wanted.observed[-1]}"
        if not wanted.observed and not wanted.passages:
            return f"Thought: I have to look it up.\nAction: search: {wanted.question}"
        return self._quoted(wanted)

    def _quoted(self, wanted: Task) -> str:
        picked = pick(
            wanted.question, [each.text for each in wanted.passages], self._models.vectors
        )
        marks = [wanted.passages[each.passage].mark for each in picked]
        said = " ".join(
            f"{_sentence(each.sentence)} [{mark}]" for each, mark in zip(picked, marks, strict=True)
        )
        said = said or wanted.refusal
        if not (wanted.labelled or wanted.actions):
            return said
        fitting = ", ".join(dict.fromkeys(marks)) or "none"
        return f"The passages that fit the question best: {fitting}.\nAnswer: {said}"


def _rewritten(wanted: Task) -> str:
    """With the question before it in front, when it refers to something; nothing new is said."""
    if wanted.turns and wanted.refers_back:
        return f"{wanted.turns[-1][0]} {wanted.question}"
    return wanted.question


def _condensed(wanted: Task) -> str:
    """What was asked, and the first sentence of each answer."""
    lines = []
    for asked, answered in wanted.turns:
        first = next(iter(extractive.sentences(answered)), answered)
        lines.append(f"Asked: {asked[:SUMMARY_CHARACTERS]} Answer: {first[:SUMMARY_CHARACTERS]}")
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return text if text[-1:] in ".!?" else f"{text}."


def _call(chat: Chat, question: str) -> Reply:
    """The first tool, with the question: what a model does that knows nothing yet."""
    tool = chat.tools[0]
    called = {
        "toolUseId": f"tooluse_{uuid.uuid4().hex[:22]}",
        "name": tool.name,
        "input": {tool.argument: question} if tool.argument else {},
    }
    return Reply(
        text="",
        stop_reason="tool_use",
        input_tokens=_tokens(_text(chat)),
        output_tokens=_tokens(str(called["input"])),
        tool=called,
    )


def _cut(chat: Chat, text: str, told: Callable[[str], None] | None) -> Reply:
    """Within maxTokens and before a stop sequence, as a model's text is."""
    reason = "end_turn"
    for stop in chat.sampling.stop:
        before, found, _ = text.partition(stop)
        if found:
            text, reason = before, "stop_sequence"
    most = chat.sampling.max_tokens * CHARACTERS_PER_TOKEN
    if len(text) > most:
        text, reason = text[:most], "max_tokens"
    if told:
        for piece in re.findall(r"\S+\s*", text):
            told(piece)
    return Reply(
        text=text,
        stop_reason=reason,
        input_tokens=_tokens(_text(chat)),
        output_tokens=_tokens(text),
    )


def _dialogue(chat: Chat) -> list[dict[str, str]]:
    system = [{"role": "system", "content": chat.system}] if chat.system else []
    return [*system, *({"role": each.role, "content": each.text} for each in chat.messages)]


def _text(chat: Chat) -> str:
    return chat.system + "".join(each.text for each in chat.messages)


def _tokens(text: str) -> int:
    """An estimate: the picker of sentences has no tokens of its own."""
    return max(1, -(-len(text) // CHARACTERS_PER_TOKEN))
