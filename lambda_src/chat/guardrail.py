"""The guardrail by itself: on a question before anything is done with it, and on answers that no
guarded call of the model made, from the cache or by vote.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-independent-api.html
"""

from __future__ import annotations

from chat.model import was_blocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Call = Callable[..., dict[str, Any]]


class Verdict:
    """What became of a text: blocked, with a message for the user, or passed on, maybe masked."""

    __slots__ = ("blocked", "text")

    def __init__(self, text: str, *, blocked: bool) -> None:
        self.text = text
        self.blocked = blocked


class Guardrail:
    """One version of a guardrail; without an id everything passes."""

    def __init__(self, call: Call, *, id: str, version: str) -> None:  # noqa: A002
        self._call = call
        self._id = id
        self._version = version
        self.interventions = 0

    def of_question(self, question: str) -> Verdict:
        """Check what a user asks."""
        return self._verdict(question, "INPUT", [{"text": {"text": question}}])

    def of_answer(self, answer: str, *, question: str, sources: Sequence[str]) -> Verdict:
        """Check what a user would be shown, and whether the sources say it."""
        content: list[dict[str, Any]] = []
        if sources:
            content = [
                {"text": {"text": "\n".join(sources), "qualifiers": ["grounding_source"]}},
                {"text": {"text": question, "qualifiers": ["query"]}},
            ]
        content.append({"text": {"text": answer, "qualifiers": ["guard_content"]}})
        return self._verdict(answer, "OUTPUT", content)

    def _verdict(self, text: str, source: str, content: list[dict[str, Any]]) -> Verdict:
        if not self._id:
            return Verdict(text, blocked=False)
        answer = self._call(
            "bedrock-runtime",
            "ApplyGuardrail",
            guardrailIdentifier=self._id,
            guardrailVersion=self._version,
            source=source,
            content=content,
        )
        if answer.get("action") != "GUARDRAIL_INTERVENED":
            return Verdict(text, blocked=False)
        self.interventions += 1
        outputs = [str(output.get("text") or "") for output in answer.get("outputs") or ()]
        return Verdict(
            outputs[-1] if outputs else text, blocked=was_blocked(answer.get("assessments") or [])
        )
