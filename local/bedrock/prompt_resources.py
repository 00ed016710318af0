"""Prompts of Prompt management as a model of Converse: `modelId` is the ARN of a prompt.

https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-management-test.html and the `modelId`
of https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html: model,
system prompt, inference parameters and tools come from the prompt, values of its variables from the
request, and messages of the request follow the prompt's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.bedrock.answers import Answer
from local.bedrock.errors import invalid, missing
from local.bedrock.wire import Request

PROMPT_ARN = re.compile(r"^arn:aws[^:]*:bedrock:[^:]*:\d{12}:prompt/([^:/]+)(?::(\w+))?$")
OVERRIDING = ("additionalModelRequestFields", "inferenceConfig", "system", "toolConfig")
_VARIABLE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


@dataclass(frozen=True, kw_only=True)
class FilledPrompt:
    """A prompt with its variables' values."""

    model_id: str
    system: Sequence[Mapping[str, Any]]
    messages: Sequence[Mapping[str, Any]]
    inference: Mapping[str, Any]
    tools: Mapping[str, Any] | None


def is_prompt(model_id: str) -> bool:
    """Whether a modelId names a prompt."""
    return PROMPT_ARN.match(model_id) is not None


def filled(arn: str, values: Mapping[str, Any], given: Mapping[str, Any]) -> FilledPrompt:
    """The prompt that an ARN names; `given` is the request around it. Raises BedrockError."""
    overriding = [name for name in OVERRIDING if given.get(name)]
    if overriding:
        raise invalid(
            f"{overriding[0]} can't be specified when modelId is the ARN of a prompt: it comes "
            "from the prompt."
        )
    variant = _variant(_record(arn))
    texts = {name: str(value.get("text", "")) for name, value in values.items()}
    template = variant["templateConfiguration"]
    kind = "chat" if variant.get("templateType") == "CHAT" or "chat" in template else "text"
    content = template[kind]
    names = [each["name"] for each in content.get("inputVariables") or ()]
    _check_values(names, texts)
    if kind == "text":
        system: list[Mapping[str, Any]] = []
        messages = [{"role": "user", "content": [{"text": _fill(content["text"], texts)}]}]
    else:
        system = _filled_blocks(content.get("system") or (), texts)
        messages = [
            {"role": each["role"], "content": _filled_blocks(each["content"], texts)}
            for each in content["messages"]
        ]
    inference = (variant.get("inferenceConfiguration") or {}).get("text") or {}
    return FilledPrompt(
        model_id=variant.get("modelId") or "",
        system=system,
        messages=[*messages, *(given.get("messages") or ())],
        inference=inference,
        tools=content.get("toolConfiguration"),
    )


def get_prompt(request: Request) -> Answer:
    """GetPrompt: by id or by ARN, whose version counts; the draft without a version.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_GetPrompt.html
    """
    record = _record(request["promptIdentifier"], request.get("promptVersion"))
    shown = {
        f"{name[0].lower()}{name[1:]}": value
        for name, value in record.items()
        if value not in (None, "")
    }
    return Answer(content=shown)


def _record(named: str, version: str | None = None) -> Mapping[str, Any]:
    from ministack.services import bedrock_agent

    found = PROMPT_ARN.match(named)
    identifier = found.group(1) if found else named.partition(":")[0]
    version = version or (found.group(2) if found else None)
    record: Mapping[str, Any] | None = (
        bedrock_agent._prompt_versions.get(f"{identifier}/{version}")
        if version and version != "DRAFT"
        else bedrock_agent._prompts.get(identifier)
    )
    if record is None:
        raise missing(f"Could not find prompt {named} version {version or 'DRAFT'}.")
    return record


def _variant(record: Mapping[str, Any]) -> Mapping[str, Any]:
    variants: Sequence[Mapping[str, Any]] = record["Variants"]
    named = [each for each in variants if each["name"] == record.get("DefaultVariant")]
    if not variants:
        raise invalid(f"The prompt {record['Name']} has no variant.")
    return (named or list(variants))[0]


def _check_values(names: Sequence[str], texts: Mapping[str, str]) -> None:
    lacking = [name for name in names if name not in texts]
    unknown = [name for name in texts if name not in names]
    if lacking:
        raise invalid(f"The prompt variable {lacking[0]} has no value in promptVariables.")
    if unknown:
        raise invalid(f"The prompt has no variable {unknown[0]}.")


def _filled_blocks(
    blocks: Sequence[Mapping[str, Any]], texts: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    return [{"text": _fill(block["text"], texts)} if "text" in block else block for block in blocks]


def _fill(template: str, texts: Mapping[str, str]) -> str:
    """Each variable once; what a value contains is not looked at again."""
    return _VARIABLE.sub(lambda found: texts.get(found.group(1), found.group()), template)
