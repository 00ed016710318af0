"""A Converse request's messages: checked as Converse checks them, and read as plain text.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; the rules that
the API's model does not hold are those of its error messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from local.bedrock.answering import Tool
from local.bedrock.errors import invalid
from local.bedrock.guardrail_parts import Part
from local.bedrock.reading import Message

MUST_START = (
    "A conversation must start with a user message. Try again with a conversation that starts "
    "with a user message."
)
MUST_ALTERNATE = (
    "A conversation must alternate between user and assistant roles. Make sure the conversation "
    "alternates between user and assistant roles and try again."
)
UNPLAYED = ("image", "video", "audio", "document", "searchResult")
Block = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Plain text of a request. `guarded` is what a guardrail looks at on the way in."""

    system: str
    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    tool_results: int = 0
    guarded: Sequence[Part] = ()

    def masked(self, texts: Sequence[str]) -> Conversation:
        """With the guarded parts as a guardrail returned them."""
        system, messages = self.system, list(self.messages)
        for part, text in zip(self.guarded, texts, strict=True):
            if part.text == text:
                continue
            system = system.replace(part.text, text)
            messages = [
                replace(
                    each,
                    text=each.text.replace(part.text, text),
                    query=each.query.replace(part.text, text),
                )
                for each in messages
            ]
        return replace(self, system=system, messages=messages)


def conversation(
    system: Sequence[Block], messages: Sequence[Mapping[str, Any]], tools: Mapping[str, Any] | None
) -> Conversation:
    """Read and check. Raises BedrockError."""
    _check_roles(messages)
    read = [_message(place, each) for place, each in enumerate(messages)]
    marked = [part for block in _blocks(system, messages) if (part := _guarded(block)) is not None]
    whole = [
        Part(text=block["text"])
        for each in messages
        if each["role"] == "user"
        for block in each["content"]
        if block.get("text")
    ]
    results = sum("toolResult" in block for each in messages for block in each["content"])
    return Conversation(
        system="\n\n".join(filter(None, (_text(block) for block in system))),
        messages=read,
        tools=[_tool(each) for each in (tools or {}).get("tools", ()) if "toolSpec" in each],
        tool_results=results,
        guarded=marked or whole,
    )


def _check_roles(messages: Sequence[Mapping[str, Any]]) -> None:
    if not messages or messages[0]["role"] != "user":
        raise invalid(MUST_START)
    for one, other in pairwise(messages):
        if one["role"] == other["role"]:
            raise invalid(MUST_ALTERNATE)


def _message(place: int, message: Mapping[str, Any]) -> Message:
    if not message["content"]:
        raise invalid(
            f"The content field in the Message object at messages.{place} is empty. Add a "
            "ContentBlock object to the content field and try again."
        )
    texts, query = [], ""
    for number, block in enumerate(message["content"]):
        unplayed = [each for each in UNPLAYED if each in block]
        if unplayed:
            raise invalid(f"{unplayed[0]} blocks are not played by the local AWS; send text")
        if "text" in block and not block["text"].strip():
            raise invalid(
                "The text field in the ContentBlock object at "
                f"messages.{place}.content.{number} is blank. Add text to the text field, and try "
                "again."
            )
        texts.append(_text(block))
        part = _guarded(block)
        if part is not None and "query" in part.qualifiers:
            query = part.text
    return Message(message["role"], "\n\n".join(filter(None, texts)), query)


def _blocks(system: Sequence[Block], messages: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    yield from system
    for each in messages:
        yield from each["content"]


def _guarded(block: Block) -> Part | None:
    text = (block.get("guardContent") or {}).get("text")
    if not text:
        return None
    return Part(text=text["text"], qualifiers=frozenset(text.get("qualifiers") or ()))


def _text(block: Block) -> str:
    if "text" in block:
        return str(block["text"])
    part = _guarded(block)
    if part is not None:
        return part.text
    if "toolUse" in block:
        return json.dumps(block["toolUse"].get("input"), ensure_ascii=False)
    if "toolResult" in block:
        return "\n\n".join(_result(each) for each in block["toolResult"].get("content", ()))
    return ""


def _result(block: Block) -> str:
    if "json" not in block:
        return str(block.get("text", ""))
    content = block["json"]
    found = content.get("results", content) if isinstance(content, Mapping) else content
    if isinstance(found, list) and all(isinstance(each, Mapping) for each in found):
        return "\n".join(
            f'<document index="{place}">{each.get("text") or json.dumps(each)}</document>'
            for place, each in enumerate(found, start=1)
        )
    return json.dumps(content, ensure_ascii=False)


def _tool(each: Mapping[str, Any]) -> Tool:
    specified = each["toolSpec"]
    schema = (specified.get("inputSchema") or {}).get("json") or {}
    properties = schema.get("properties") or {}
    texts = [name for name, value in properties.items() if value.get("type") == "string"]
    return Tool(name=specified["name"], argument=texts[0] if texts else "")
