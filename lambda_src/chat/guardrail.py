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

LIMITS = {"grounding_source": 50_000, "query": 1_000, "guard_content": 5_000}
"""Characters that contextual grounding takes, of all blocks of a kind together. Of sources it takes
100,000 in us-east-1 and us-west-2, half of that elsewhere.
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html
https://docs.aws.amazon.com/general/latest/gr/bedrock.html (100 and 50 text units)"""


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
        """Check what a user would be shown, and whether the sources say it; of sources that are
        more than a check takes the first, and a long answer in parts.
        """
        given = [("grounding_source", "\n".join(sources)), ("query", question)] if sources else []
        passed = []
        for part in _parts(answer):
            content = [
                {"text": {"text": text[: LIMITS[kind]], "qualifiers": [kind]}}
                for kind, text in [*given, ("guard_content", part)]
            ]
            verdict = self._verdict(part, "OUTPUT", content)
            if verdict.blocked:
                return verdict
            passed.append(verdict.text)
        return Verdict("".join(passed), blocked=False)

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


def _parts(answer: str) -> list[str]:
    """An answer cut between words, each part as long as a check takes."""
    most = LIMITS["guard_content"]
    parts = []
    while len(answer) > most:
        end = max(answer.rfind(" ", 0, most), answer.rfind("\n", 0, most)) + 1 or most
        parts.append(answer[:end])
        answer = answer[end:]
    return [*parts, answer]
