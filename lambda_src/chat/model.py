"""Asks the model, with the guardrail or without, whole or as it writes.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-converse-api.html
"""

from __future__ import annotations

from chat.citations import NOT_IN_DOCUMENTS
from chat.sentences import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from edge.aws import Aws

INTERVENED = "guardrail_intervened"
BLOCKED = "BLOCKED"
CUT_OFF = ("max_tokens", "model_context_window_exceeded", "content_filtered")
"""Why a model stops that would have said more.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html"""


class Usage:
    """Tokens that were paid for."""

    __slots__ = ("calls", "input", "output")

    def __init__(self) -> None:
        self.input = 0
        self.output = 0
        self.calls = 0

    def add(self, usage: Mapping[str, Any]) -> None:
        """Count one call's."""
        self.input += int(usage.get("inputTokens") or 0)
        self.output += int(usage.get("outputTokens") or 0)
        self.calls += 1


class Reply:
    """What the model `said`; `blocked` when it is the guardrail's message instead, `cut` when it
    would have said more: `text` is without the sentence that it did not end.
    """

    __slots__ = ("blocked", "cut", "said", "text")

    def __init__(self, said: str, *, blocked: bool = False, cut: bool = False) -> None:
        self.said = said
        self.text = whole(said) if cut else said
        self.blocked = blocked
        self.cut = cut


class Model:
    """One model with one guardrail; `usage` grows with every call, `interventions` with every reply
    that the guardrail stopped; `cut` says whether any was cut off.
    """

    def __init__(
        self, aws: Aws, *, model_id: str, guardrail_id: str, guardrail_version: str
    ) -> None:
        self.usage = Usage()
        self.cut = False
        self.interventions = 0
        self.guarded = bool(guardrail_id)
        self._aws = aws
        self._model_id = model_id
        self._guardrail_id = guardrail_id
        self._guardrail_version = guardrail_version

    def say(
        self,
        system: Sequence[Mapping[str, Any]],
        messages: Sequence[Mapping[str, Any]],
        *,
        inference: Mapping[str, Any],
        guarded: bool,
        release: Callable[[str], object] | None = None,
    ) -> Reply:
        """One answer. With `release` it is streamed: pieces are given to it as they come."""
        params: dict[str, Any] = {"modelId": self._model_id, "messages": list(messages)}
        if system:
            params["system"] = list(system)
        if inference:
            params["inferenceConfig"] = dict(inference)
        guarded = guarded and self.guarded
        if guarded:
            params["guardrailConfig"] = {
                "guardrailIdentifier": self._guardrail_id,
                "guardrailVersion": self._guardrail_version,
                "trace": "enabled",
            }
        if release is None:
            answer = self._aws.call("bedrock-runtime", "Converse", **params)
            content = ((answer.get("output") or {}).get("message") or {}).get("content") or ()
            text = "".join(str(block.get("text") or "") for block in content)
            return self._reply(text, answer.get("stopReason"), answer)
        if guarded:
            # Checked before it is sent on; asynchronously, text would be shown and withdrawn.
            params["guardrailConfig"]["streamProcessingMode"] = "sync"
        return self._read(
            self._aws.stream("bedrock-runtime", "ConverseStream", **params), release=release
        )

    def samples(
        self,
        system: Sequence[Mapping[str, Any]],
        messages: Sequence[Mapping[str, Any]],
        *,
        inference: Mapping[str, Any],
        count: int,
    ) -> list[Reply]:
        """Several answers to the same, asked at the same time. What fails is left out; the first
        failure is raised when nothing succeeds.
        """
        import threading

        from edge.errors import AwsError

        replies: list[Reply | None] = [None] * count
        failures: list[AwsError] = []

        def one(index: int, other: Model) -> None:
            try:
                replies[index] = other.say(system, messages, inference=inference, guarded=False)
            except AwsError as error:
                failures.append(error)

        others = [self._another() for _ in range(count)]
        threads = [threading.Thread(target=one, args=pair) for pair in enumerate(others)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for other in others:
            self.usage.input += other.usage.input
            self.usage.output += other.usage.output
            self.usage.calls += other.usage.calls
            self.cut = self.cut or other.cut
        found = [reply for reply in replies if reply is not None]
        if not found:
            raise failures[0]
        return found

    def _another(self) -> Model:
        return Model(
            self._aws.another(),
            model_id=self._model_id,
            guardrail_id=self._guardrail_id,
            guardrail_version=self._guardrail_version,
        )

    def _read(self, events: Iterator[dict[str, Any]], *, release: Callable[[str], object]) -> Reply:
        blocks: dict[int, list[str]] = {}
        stop, metadata = None, {}
        for event in events:
            if delta := event.get("contentBlockDelta"):
                text = str((delta.get("delta") or {}).get("text") or "")
                blocks.setdefault(int(delta.get("contentBlockIndex") or 0), []).append(text)
                release(text)
            elif found := event.get("messageStop"):
                stop = found.get("stopReason")
            elif found := event.get("metadata"):
                metadata = found
        texts = ["".join(parts) for _, parts in sorted(blocks.items())]
        reply = self._reply("".join(texts), stop, metadata)
        if reply.blocked and texts:
            # The message is a block of its own, after what was released.
            reply.said = reply.text = texts[-1]
        return reply

    def _reply(self, text: str, stop: object, answer: Mapping[str, Any]) -> Reply:
        self.usage.add(answer.get("usage") or {})
        trace = (answer.get("trace") or {}).get("guardrail") or {}
        if stop in CUT_OFF:
            self.cut = True
            return Reply(text, cut=True)
        if stop != INTERVENED or not was_blocked(trace):
            return Reply(text)
        # Nothing grounds a refusal, so contextual grounding stops it; it is one nevertheless.
        if any(NOT_IN_DOCUMENTS in str(said) for said in trace.get("modelOutput") or ()):
            return Reply(NOT_IN_DOCUMENTS)
        self.interventions += 1
        return Reply(text, blocked=True)


def was_blocked(assessments: Any) -> bool:
    """Whether a guardrail stopped a text, and not merely masked names in it.

    Every part of an assessment that acts says how: BLOCKED, ANONYMIZED or NONE. Without an
    assessment it counts as stopped.
    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_GuardrailAssessment.html
    """
    actions = set(_actions(assessments))
    return BLOCKED in actions or "ANONYMIZED" not in actions


def _actions(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        if isinstance(value.get("action"), str):
            yield value["action"]
        for inner in value.values():
            yield from _actions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _actions(inner)
