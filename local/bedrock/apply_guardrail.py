"""ApplyGuardrail: a guardrail's judgement without a model.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
"""

from __future__ import annotations

from typing import Any

from local.bedrock.answers import Answer
from local.bedrock.errors import invalid
from local.bedrock.guardrail_parts import GROUNDING_SOURCE, QUERY, Part, Verdict
from local.bedrock.guardrails import Guardrails
from local.bedrock.wire import Request


class ApplyGuardrail:
    """The operation."""

    def __init__(self, guardrails: Guardrails) -> None:
        self._guardrails = guardrails

    def apply(self, request: Request) -> Answer:
        """Judge the content of a request."""
        guardrail = self._guardrails.find(
            request["guardrailIdentifier"], request["guardrailVersion"]
        )
        parts = [_part(block) for block in request["content"]]
        if not parts:
            raise invalid("The content of the request is empty. Add content and try again.")
        verdict = self._guardrails.assess(guardrail, request["source"], parts)
        answer: dict[str, Any] = {
            "usage": verdict.usage,
            "action": "GUARDRAIL_INTERVENED" if verdict.intervened else "NONE",
            "actionReason": verdict.reason,
            "outputs": _outputs(verdict, parts),
            "assessments": [verdict.assessment],
            "guardrailCoverage": verdict.coverage,
        }
        return Answer(content=answer)


def _part(block: dict[str, Any]) -> Part:
    if "text" not in block:
        raise invalid("image content is not played by the local AWS; send text")
    text = block["text"]
    return Part(text=text["text"], qualifiers=frozenset(text.get("qualifiers") or ()))


def _outputs(verdict: Verdict, parts: list[Part]) -> list[dict[str, str]]:
    """The guardrail's own message, or the text with its masks; nothing when nothing was done."""
    if verdict.blocked:
        return [{"text": verdict.message}]
    if not verdict.masked:
        return []
    return [
        {"text": text}
        for text, part in zip(verdict.texts, parts, strict=True)
        if not part.qualifiers & {GROUNDING_SOURCE, QUERY}
    ]
