"""The ways of asking a model. Each gives a draft: text, what it rests on, whether it may be said.

All take their words from managed prompts; here is only what words cannot do: a second call, a vote,
a loop. What each expects of its prompt is in chat/__init__.py.
"""

from __future__ import annotations

import re

from chat.citations import NOT_IN_DOCUMENTS, CitedAnswer
from chat.figures import percentages
from chat.passages import fitting, shown
from chat.sentences import MARKER
from chat.words import content_words, figures_of, negations, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from chat.guardrail import Guardrail
    from chat.model import Model, Reply
    from chat.passages import Passage
    from chat.prompts import Prompt, Prompts

ANSWER = re.compile(r"^[ \t*#]*answer[ \t*]*:[ \t*]*", re.IGNORECASE | re.MULTILINE)
SAMPLES = 5
SAMPLING_TEMPERATURE = 0.7
ALIKE = 0.5
"""Share of common words from which two samples say the same."""
STEPS = 5
ACTION = re.compile(
    r"^[ \t*]*(?:(action)[ \t*]*:[ \t*]*(search|calculate)[ \t*]*[:\[(][ \t]*(.+?)[ \t]*$"
    r"|(answer)[ \t*]*:[ \t*]*)",
    re.IGNORECASE | re.MULTILINE,
)
CONVERSIONS = frozenset(
    ("1", "2", "7", "12", "24", "60", "100", "365", "1000", "1024", "3600", "86400")
)  # fmt: skip
"""What units are converted with, and what halves, doubles or takes from the whole; no document has
to say that a day has 24 hours."""
SHOWN_CHARACTERS = 40_000
"""Of documents in one conversation of ReAct, all of which each step is sent again."""
OBSERVATION_STOPS = ["<observation>", "Observation:"]


class Draft:
    """An answer before it is sent. `blocked` is the guardrail's message, when it stopped it; `cut`
    says that the model would have said more.
    """

    __slots__ = ("blocked", "citations", "cited", "cut", "dropped", "text", "withheld")

    def __init__(
        self,
        text: str,
        *,
        cited: CitedAnswer | None = None,
        blocked: str | None = None,
        cut: bool = False,
    ) -> None:
        self.text = text
        self.cut = cut
        self.blocked = blocked
        self.cited = cited is not None
        self.citations = cited.citations if cited else []
        self.dropped = cited.dropped if cited else 0
        self.withheld = cited.withheld if cited else 0


class Asked:
    """A question that stands alone, and what a technique may use."""

    def __init__(
        self,
        question: str,
        *,
        history: str,
        search: Callable[[str], list[Passage]],
        model: Model,
        prompts: Prompts,
        guardrail: Guardrail,
        release: Callable[[str], object] | None,
    ) -> None:
        self.question = question
        self.history = history
        self.search = search
        self.model = model
        self.prompts = prompts
        self.guardrail = guardrail
        self.release = release


def drafted(technique: str, asked: Asked) -> Draft:
    """Answer by a technique. Raises PromptProblem, Problem and AwsError."""
    if technique == "chain_of_thought":
        return chain_of_thought(asked)
    if technique == "self_consistency":
        return self_consistency(asked)
    if technique == "react":
        return react(asked)
    return one_answer(technique, asked)


def one_answer(technique: str, asked: Asked) -> Draft:
    """One guarded call, streamed where somebody listens; `knowledge` first where it is wanted."""
    prompt = asked.prompts.get(technique)
    values = {"question": asked.question, "history": asked.history}
    passages: list[Passage] = []
    grounded = "documents" in prompt.variables
    if grounded:
        passages = asked.search(asked.question)
        if not passages:
            return Draft("", cited=CitedAnswer([]))
        values["documents"] = shown(passages)
    if "knowledge" in prompt.variables:
        values["knowledge"] = _said(asked, "knowledge", values).text
    cited = CitedAnswer(passages, question=asked.question, release=asked.release or len)
    system, messages = prompt.filled(values, guarded=asked.model.guarded)
    reply = asked.model.say(
        system,
        messages,
        inference=prompt.inference,
        guarded=True,
        release=cited.feed if asked.release and grounded else asked.release,
    )
    if reply.blocked:
        return Draft("", cited=cited if grounded else None, blocked=reply.text)
    if not grounded:
        return Draft(reply.text.strip(), cut=reply.cut)
    if not asked.release:
        cited.feed(reply.said)
    cited.finish(cut=reply.cut)
    return Draft(cited.text, cited=cited, cut=reply.cut)


def chain_of_thought(asked: Asked) -> Draft:
    """Reasoning first, which nobody sees. A guardrail that grounds answers would stop it, so the
    answer alone is guarded.

    https://arxiv.org/abs/2201.11903
    """
    prompt = asked.prompts.get("chain_of_thought")
    passages = asked.search(asked.question)
    if not passages:
        return Draft("", cited=CitedAnswer([]))
    system, messages = _unguarded(asked, prompt, passages)
    reply = asked.model.say(system, messages, inference=prompt.inference, guarded=False)
    return _checked(asked, _reasoned(reply), passages, cut=reply.cut)


def self_consistency(asked: Asked) -> Draft:
    """Several answers to the same, each with its own reasoning; what most of them say is said.

    https://arxiv.org/abs/2203.11171
    """
    prompt = asked.prompts.get("self_consistency")
    passages = asked.search(asked.question)
    if not passages:
        return Draft("", cited=CitedAnswer([]))
    system, messages = _unguarded(asked, prompt, passages)
    inference = {**prompt.inference}
    if not inference.get("temperature", inference.get("topP")):
        inference["temperature"] = SAMPLING_TEMPERATURE
    replies = asked.model.samples(system, messages, inference=inference, count=SAMPLES)
    whole = [reply for reply in replies if not reply.cut]
    said = voted([_reasoned(reply) for reply in whole or replies])
    return _checked(asked, said, passages, cut=not whole)


def react(asked: Asked) -> Draft:
    """The model says what it needs next: a search, a calculation, or the answer.

    https://arxiv.org/abs/2210.03629
    """
    from chat.arithmetic import ArithmeticProblem, evaluated, operands

    prompt = asked.prompts.get("react")
    values = {"question": asked.question, "history": asked.history}
    passages: list[Passage] = []
    if "documents" in prompt.variables:
        passages = asked.search(asked.question)
        values["documents"] = shown(passages)
    system, messages = prompt.filled(values, guarded=False)
    stops = [*prompt.inference.get("stopSequences", ()), *OBSERVATION_STOPS][:4]
    inference = {**prompt.inference, "stopSequences": stops}
    computed: list[str] = []
    for step in range(STEPS):
        reply = asked.model.say(system, messages, inference=inference, guarded=False)
        said, kind, argument = next_step(reply.text)
        if kind == "answer" or (kind == "" and step == STEPS - 1):
            argument = next_step(reply.said)[2]
            return _checked(asked, argument, passages, computed=computed, cut=reply.cut)
        if kind == "search":
            new = _new(asked.search(argument), passages)
            found = fitting(new, characters=SHOWN_CHARACTERS - len(shown(passages)))
            observed = shown(found, first=len(passages) + 1)
            if not found:
                observed = (
                    "no more documents can be shown: answer from those"
                    if new
                    else "nothing new was found"
                )
            passages += found
        elif kind == "calculate":
            try:
                observed = evaluated(argument)
                if _rests_on(operands(argument), [asked.question, *computed], passages):
                    computed.append(observed)
            except ArithmeticProblem as problem:
                observed = f"not calculated: {problem}"
        else:
            observed = "write one line: Action: search: ..., Action: calculate: ... or Answer: ..."
        messages += [
            {"role": "assistant", "content": [{"text": said}]},
            {"role": "user", "content": [{"text": f"<observation>\n{observed}\n</observation>"}]},
        ]
    return Draft("", cited=CitedAnswer(passages))


def _rests_on(used: Sequence[str], said: Sequence[str], passages: Sequence[Passage]) -> bool:
    """Whether a result was computed from numbers that were asked, found, or computed before; 0.2 is
    known where 20 % is.

    Conversions of units alone compute nothing from a document.
    """
    known = set[str]()
    for text in (*said, *(each.text for each in passages)):
        known.update(percentages(text), *(each.values for each in figures_of(text)))
    return bool(known.intersection(used)) and known.union(CONVERSIONS).issuperset(used)


def next_step(text: str) -> tuple[str, str, str]:
    """What a message of ReAct asks for: the message up to there, what, and of what.

    What a model writes after its first action it has made up, results above all.
    """
    match = ACTION.search(text)
    if match is None:
        return text.strip() or "...", "", text.strip()
    if match.group(4):
        return text.strip(), "answer", text[match.end() :].strip()
    argument = _unclosed(match.group(3))
    kind = match.group(2).lower() if argument else ""  # a question can make a model end there
    return text[: match.end()].strip(), kind, argument


def _unclosed(argument: str) -> str:
    """An argument without the brackets that close what was opened before it: `search[x]`."""
    argument = argument.strip()
    while argument[-1:] in (")", "]") and (
        argument.count(argument[-1]) > argument.count("(" if argument[-1] == ")" else "[")
    ):
        argument = argument[:-1].rstrip()
    return argument


def voted(answers: Sequence[str]) -> str:
    """The answer in the middle of the largest group that says the same."""
    groups: list[list[str]] = []
    for answer in answers:
        group = next((each for each in groups if _say_the_same(each[0], answer)), None)
        if group is None:
            groups.append([answer])
        else:
            group.append(answer)
    largest = max(groups, key=len)
    return max(largest, key=lambda one: sum(_likeness(one, other) for other in largest))


def after_reasoning(text: str) -> str:
    """What follows `Answer:`, or the whole text without it."""
    match = ANSWER.search(text)
    return text[match.end() :] if match else text


def _reasoned(reply: Reply) -> str:
    """What was reasoned out; nothing where the reasoning was cut off."""
    return "" if reply.cut and not ANSWER.search(reply.said) else after_reasoning(reply.said)


def _unguarded(
    asked: Asked, prompt: Prompt, passages: Sequence[Passage]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """System and messages of a prompt that lets the model reason, which a guardrail would stop."""
    values = {
        "question": asked.question, "history": asked.history, "documents": shown(passages)
    }  # fmt: skip
    return prompt.filled(values, guarded=False)


def _checked(
    asked: Asked,
    text: str,
    passages: Sequence[Passage],
    *,
    computed: Sequence[str] = (),
    cut: bool = False,
) -> Draft:
    """Citations first, then the guardrail: the calls that made the text had none."""
    cited = CitedAnswer(passages, question=asked.question, computed=computed)
    cited.feed(text)
    cited.finish(cut=cut)
    if not cited.answered:
        return Draft("", cited=cited, cut=cut)
    used = {each["chunk"] for each in cited.citations}
    verdict = asked.guardrail.of_answer(
        cited.text,
        question=asked.question,
        sources=[each.text for each in sorted(passages, key=lambda each: each.chunk not in used)],
    )
    if verdict.blocked:
        return Draft("", cited=cited, blocked=verdict.text)
    if asked.release:
        asked.release(verdict.text)
    return Draft(verdict.text, cited=cited, cut=cut)


def _said(asked: Asked, name: str, values: dict[str, str]) -> Reply:
    prompt = asked.prompts.get(name)
    system, messages = prompt.filled(values, guarded=False)
    return asked.model.say(system, messages, inference=prompt.inference, guarded=False)


def _new(found: Sequence[Passage], known: Sequence[Passage]) -> list[Passage]:
    seen = {passage.chunk for passage in known}
    return [passage for passage in found if passage.chunk not in seen]


def _say_the_same(one: str, other: str) -> bool:
    refused = NOT_IN_DOCUMENTS in one, NOT_IN_DOCUMENTS in other
    if any(refused):
        return all(refused)
    one, other = MARKER.sub("", one), MARKER.sub("", other)
    return (
        numbers(one) == numbers(other)
        and negations(one) % 2 == negations(other) % 2
        and _likeness(one, other) >= ALIKE
    )


def _likeness(one: str, other: str) -> float:
    first, second = set(content_words(one)), set(content_words(other))
    both = len(first) + len(second)
    return 2 * len(first & second) / both if both else 1.0
