"""Converse and ConverseStream: a guardrail on both sides of whoever answers.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-converse-api.html

In `sync` mode, which is the default, a guarded stream is held back by the sentence; AWS does not
say by how much. In `async` mode it flows, and is not masked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.bedrock.answering import Answering, Chat, Reply
from local.bedrock.answers import Answer, Stream
from local.bedrock.conversation import Conversation, conversation
from local.bedrock.errors import BedrockError, invalid
from local.bedrock.event_stream import event
from local.bedrock.guardrail_parts import GROUNDING_SOURCE, QUERY, Part, Verdict
from local.bedrock.guardrails import Guardrail, Guardrails
from local.bedrock.held_back import HeldBack
from local.bedrock.model_ids import Model, ModelAccess
from local.bedrock.prompt_resources import filled, is_prompt
from local.bedrock.wire import Request
from local.models.client import ModelsError
from local.models.language import MOST_TOKENS, Sampling

MODEL_HEADER = "x-groundwork-model"
WINDOW_CHARACTERS = 800_000


@dataclass(frozen=True, kw_only=True)
class _Exchange:
    """One call, ready to be answered."""

    chat: Chat
    spoken: Conversation
    guardrail: Guardrail | None
    trace: bool
    asynchronous: bool


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What came of it."""

    text: str
    stop_reason: str
    reply: Reply
    trace: Mapping[str, Any]


class Converse:
    """Both operations."""

    def __init__(
        self, *, access: ModelAccess, answering: Answering, guardrails: Guardrails
    ) -> None:
        self._access = access
        self._answering = answering
        self._guardrails = guardrails

    def converse(self, request: Request) -> Answer:
        """The whole answer at once."""
        began = time.monotonic()
        exchange = self._exchange(request)
        outcome = self._outcome(exchange)
        answer = {
            "output": {"message": {"role": "assistant", "content": _content(outcome)}},
            "stopReason": outcome.stop_reason,
            "usage": _usage(outcome.reply),
            "metrics": {"latencyMs": _milliseconds(began)},
        }
        if outcome.trace:
            answer["trace"] = {"guardrail": outcome.trace}
        return Answer(content=answer, headers=self._headers(exchange))

    def converse_stream(self, request: Request) -> Stream:
        """The answer as it is made."""
        began = time.monotonic()
        exchange = self._exchange(request)

        def run(emit: Callable[[bytes], None]) -> None:
            emit(event("messageStart", {"role": "assistant"}))

            def told(piece: str, block: int = 0) -> None:
                delta = {"delta": {"text": piece}, "contentBlockIndex": block}
                emit(event("contentBlockDelta", delta))

            held = self._held_back(exchange, told)
            outcome = self._outcome(exchange, held.hear if held else told)
            last = 0
            if outcome.reply.tool:
                _emit_tool(outcome.reply.tool, emit)
            elif held is None and outcome.text != outcome.reply.text:
                told(outcome.text)
            elif held and not held.say(outcome.text):
                last = 1  # what has been sent stays
                emit(event("contentBlockStop", {"contentBlockIndex": 0}))
                told(outcome.text, last)
            emit(event("contentBlockStop", {"contentBlockIndex": last}))
            emit(event("messageStop", {"stopReason": outcome.stop_reason}))
            metadata: dict[str, Any] = {
                "usage": _usage(outcome.reply),
                "metrics": {"latencyMs": _milliseconds(began)},
            }
            if outcome.trace:
                metadata["trace"] = {"guardrail": outcome.trace}
            emit(event("metadata", metadata))

        return Stream(run=run, headers=self._headers(exchange))

    def _headers(self, exchange: _Exchange) -> dict[str, str]:
        return {MODEL_HEADER: self._answering.played_by(exchange.chat)}

    def _exchange(self, request: Request) -> _Exchange:
        system, messages = request.get("system") or (), request.get("messages") or ()
        inference, tools = request.get("inferenceConfig") or {}, request.get("toolConfig")
        model_id = request["modelId"]
        if is_prompt(model_id):
            prompt = filled(model_id, request.get("promptVariables") or {}, request.members)
            model_id, system, messages = prompt.model_id, prompt.system, prompt.messages
            inference, tools = prompt.inference, prompt.tools
        model: Model = self._access.model(model_id, kind="text")
        model.check_sampling(inference)
        spoken = conversation(system, messages, tools)
        if len(spoken.system) + sum(len(each.text) for each in spoken.messages) > WINDOW_CHARACTERS:
            raise invalid("Input is too long for requested model.")
        configuration = request.get("guardrailConfig") or {}
        return _Exchange(
            chat=Chat(
                model=model,
                system=spoken.system,
                messages=spoken.messages,
                sampling=sampling(inference),
                tools=spoken.tools,
                tool_results=spoken.tool_results,
            ),
            spoken=spoken,
            guardrail=self._guardrail(configuration),
            trace=configuration.get("trace", "disabled") != "disabled",
            asynchronous=configuration.get("streamProcessingMode") == "async",
        )

    def _guardrail(self, configuration: Mapping[str, Any]) -> Guardrail | None:
        identifier = configuration.get("guardrailIdentifier")
        if not identifier:
            return None
        return self._guardrails.find(identifier, configuration.get("guardrailVersion") or "DRAFT")

    def _outcome(self, exchange: _Exchange, told: Callable[[str], None] | None = None) -> _Outcome:
        guardrail, spoken = exchange.guardrail, exchange.spoken
        if guardrail is None:
            reply = self._answer(exchange.chat, told)
            return _Outcome(text=reply.text, stop_reason=reply.stop_reason, reply=reply, trace={})
        incoming = self._guardrails.assess(guardrail, "INPUT", spoken.guarded)
        if incoming.blocked:
            return _Outcome(
                text=incoming.message,
                stop_reason="guardrail_intervened",
                reply=Reply(text="", stop_reason="", input_tokens=0, output_tokens=0),
                trace=_trace(exchange, incoming, None, ""),
            )
        heard = spoken.masked(incoming.texts)
        chat = Chat(
            model=exchange.chat.model,
            system=heard.system,
            messages=heard.messages,
            sampling=exchange.chat.sampling,
            tools=heard.tools,
            tool_results=heard.tool_results,
        )
        reply = self._answer(chat, told)
        outgoing = self._outgoing(guardrail, spoken, reply.text)
        text = outgoing.message if outgoing.blocked else outgoing.texts[0]
        if exchange.asynchronous and told and not outgoing.blocked:
            text = reply.text  # it has been said already
        return _Outcome(
            text=text,
            stop_reason="guardrail_intervened" if outgoing.intervened else reply.stop_reason,
            reply=reply,
            trace=_trace(exchange, incoming, outgoing, reply.text),
        )

    def _held_back(self, exchange: _Exchange, release: Callable[[str], None]) -> HeldBack | None:
        guardrail, spoken = exchange.guardrail, exchange.spoken
        if guardrail is None or exchange.asynchronous:
            return None
        return HeldBack(
            assess=lambda text: self._outgoing(guardrail, spoken, text), release=release
        )

    def _outgoing(self, guardrail: Guardrail, spoken: Conversation, text: str) -> Verdict:
        """Judge an answer, or the beginning of one."""
        context = [part for part in spoken.guarded if part.qualifiers & {GROUNDING_SOURCE, QUERY}]
        return self._guardrails.assess(guardrail, "OUTPUT", [Part(text=text)], context=context)

    def _answer(self, chat: Chat, told: Callable[[str], None] | None) -> Reply:
        try:
            return self._answering.answer(chat, told)
        except ModelsError as error:
            raise BedrockError("ModelErrorException", str(error)) from None


def sampling(inference: Mapping[str, Any]) -> Sampling:
    """Inference parameters as the models take them; one that is absent is the model's default."""
    return Sampling(
        max_tokens=int(inference.get("maxTokens", MOST_TOKENS)),
        temperature=float(inference.get("temperature", 0.0)),
        top_p=float(inference.get("topP", 1.0)),
        stop=tuple(inference.get("stopSequences") or ()),
    )


def _content(outcome: _Outcome) -> list[dict[str, Any]]:
    if outcome.reply.tool:
        return [{"toolUse": outcome.reply.tool}]
    return [{"text": outcome.text}]


def _emit_tool(tool: Mapping[str, Any], emit: Callable[[bytes], None]) -> None:
    start = {"toolUse": {"toolUseId": tool["toolUseId"], "name": tool["name"]}}
    emit(event("contentBlockStart", {"start": start, "contentBlockIndex": 0}))
    delta = {"toolUse": {"input": json.dumps(tool["input"])}}
    emit(event("contentBlockDelta", {"delta": delta, "contentBlockIndex": 0}))


def _usage(reply: Reply) -> dict[str, int]:
    return {
        "inputTokens": reply.input_tokens,
        "outputTokens": reply.output_tokens,
        "totalTokens": reply.input_tokens + reply.output_tokens,
    }


def _trace(
    exchange: _Exchange, incoming: Verdict, outgoing: Verdict | None, said: str
) -> Mapping[str, Any]:
    if not exchange.trace or exchange.guardrail is None:
        return {}
    identifier = exchange.guardrail.identifier
    trace: dict[str, Any] = {"inputAssessment": {identifier: incoming.assessment}}
    if outgoing is not None:
        trace["outputAssessments"] = {identifier: [outgoing.assessment]}
        if outgoing.intervened:
            trace["modelOutput"] = [said]
    last = outgoing or incoming
    trace["actionReason"] = last.reason if last.intervened else incoming.reason
    return trace


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
