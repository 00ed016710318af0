"""Bedrock's managed prompts: read once per copy, filled for every question.

A version of a prompt never changes, so what was read stays right as long as the copy lives.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_GetPrompt.html
"""

from __future__ import annotations

import re

from chat.guardrail import LIMITS
from chat.passages import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Call = Callable[..., dict[str, Any]]
    Block = dict[str, Any]

VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
MARKED_UP = frozenset({"documents", "history"})
"""Variables whose values have tags of ours in them; what they contain is escaped already."""
QUALIFIERS = {"documents": "grounding_source", "question": "query"}
"""Variables that a guardrail checks an answer's grounding with, and what they are to it:
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html"""


class PromptProblem(Exception):  # noqa: N818 - a mistake of the deployment
    """A prompt that is missing, or cannot be used; says which and what to do."""


class Prompt:
    """One version of a prompt."""

    __slots__ = ("arn", "inference", "messages", "system", "variables")

    def __init__(self, arn: str, variant: Mapping[str, Any]) -> None:
        configuration = variant.get("templateConfiguration") or {}
        chat, text = configuration.get("chat"), configuration.get("text")
        if chat:
            self.system = [str(each.get("text") or "") for each in chat.get("system") or ()]
            self.messages = [
                (
                    str(message["role"]),
                    "".join(str(part.get("text") or "") for part in message["content"]),
                )
                for message in chat["messages"]
            ]
        elif text:
            self.system, self.messages = [], [("user", str(text["text"]))]
        else:
            raise PromptProblem(f"{arn} is neither a TEXT nor a CHAT prompt; make it one of them")
        self.arn = arn
        given = (variant.get("inferenceConfiguration") or {}).get("text") or {}
        names = ("maxTokens", "temperature", "topP", "stopSequences")
        self.inference = {name: given[name] for name in names if given.get(name) is not None}
        everything = " ".join([*self.system, *(template for _, template in self.messages)])
        self.variables = frozenset(VARIABLE.findall(everything))

    def filled(
        self, values: Mapping[str, str], *, guarded: bool
    ) -> tuple[list[Block], list[dict[str, Any]]]:
        """System blocks and messages for Converse. Values are escaped, except MARKED_UP ones.

        With a guardrail the documents and the question are blocks of their own, marked as the
        grounding source and the query.
        """
        system = [
            {"text": "".join(text for _, text in _parts(template, values))}
            for template in self.system
        ]
        messages = [
            {"role": role, "content": _blocks(_parts(template, values), guarded=guarded)}
            for role, template in self.messages
        ]
        return system, messages


class Prompts:
    """The prompts of a deployment, by name."""

    def __init__(self, call: Call, arns: Mapping[str, str]) -> None:
        self._call = call
        self._arns = arns
        self._read: dict[str, Prompt] = {}

    def __contains__(self, name: str) -> bool:
        return bool(self._arns.get(name))

    def arn(self, name: str) -> str:
        """The version that is used; '' for a prompt that is not deployed."""
        return self._arns.get(name, "")

    def get(self, name: str) -> Prompt:
        """A prompt, read at its first use. Raises PromptProblem and AwsError."""
        arn = self._arns.get(name)
        if not arn:
            raise PromptProblem(f"PROMPTS names no prompt {name}; add its version's ARN")
        prompt = self._read.get(arn)
        if prompt is None:
            identifier, version = _split(arn)
            answer = self._call(
                "bedrock-agent",
                "GetPrompt",
                promptIdentifier=identifier,
                **({"promptVersion": version} if version else {}),
            )
            variants = answer.get("variants") or ()
            default = answer.get("defaultVariant")
            chosen = [each for each in variants if each.get("name") == default] or list(variants)
            if not chosen:
                raise PromptProblem(f"{arn} has no variant; add one")
            prompt = self._read[arn] = Prompt(arn, chosen[0])
        return prompt


def _split(arn: str) -> tuple[str, str]:
    """Id and version; a version's ARN ends in `:prompt/ID:VERSION`."""
    identifier, _, version = arn.rpartition("/")[2].partition(":")
    return identifier, version


def _parts(template: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The template cut at its variables: ('', its own text) and (variable, value), in one pass."""
    parts: list[tuple[str, str]] = []
    at = 0
    for match in VARIABLE.finditer(template):
        name = match.group(1)
        value = values.get(name, "")
        parts.append(("", template[at : match.start()]))
        parts.append((name, value if name in MARKED_UP else escaped(value)))
        at = match.end()
    parts.append(("", template[at:]))
    return [(name, text) for name, text in parts if text]


def _blocks(parts: list[tuple[str, str]], *, guarded: bool) -> list[Block]:
    if not guarded:
        return [{"text": "".join(text for _, text in parts)}]
    blocks: list[Block] = []
    for name, text in parts:
        qualifier = QUALIFIERS.get(name)
        if qualifier:
            most = LIMITS[qualifier]
            guarded_text = {"text": text[:most], "qualifiers": [qualifier]}
            blocks.append({"guardContent": {"text": guarded_text}})
            text = text[most:]  # the model is shown all of it
        if not text:
            continue
        if blocks and "text" in blocks[-1]:
            blocks[-1]["text"] += text
        elif text.strip():
            blocks.append({"text": text})
    return blocks
