"""InvokeModel: each maker's own body around the same answerers.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html. Bodies of Anthropic,
Amazon (Nova and Titan), Meta and of embeddings are played; others are refused, with Converse as the
way out.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.bedrock.answering import Answering, Chat, Reply
from local.bedrock.answers import Answer, Stream
from local.bedrock.conversation import Conversation, conversation
from local.bedrock.converse import MODEL_HEADER
from local.bedrock.embeddings import embed
from local.bedrock.errors import BedrockError, invalid
from local.bedrock.event_stream import event
from local.bedrock.guardrail_parts import Part
from local.bedrock.guardrails import Guardrails
from local.bedrock.model_ids import Model, ModelAccess
from local.bedrock.wire import Request
from local.models.client import Models, ModelsError
from local.models.language import MOST_TOKENS, Sampling

Body = Mapping[str, Any]


class Invoke:
    """InvokeModel and InvokeModelWithResponseStream."""

    def __init__(
        self,
        *,
        models: Models,
        access: ModelAccess,
        answering: Answering,
        guardrails: Guardrails,
    ) -> None:
        self._models = models
        self._access = access
        self._answering = answering
        self._guardrails = guardrails

    def invoke(self, request: Request) -> Answer:
        """The whole answer at once."""
        began = time.monotonic()
        model = self._access.model(request["modelId"])
        body = _body(request.payload)
        if model.kind == "embedding":
            try:
                content, tokens = embed(self._models, model, body)
            except ModelsError as error:
                raise BedrockError("ModelErrorException", str(error)) from None
            headers = {
                MODEL_HEADER: self._models.embedded_by,
                "X-Amzn-Bedrock-Input-Token-Count": str(tokens),
            }
        elif model.kind == "text":
            chat = _chat(model, body)
            reply, action = self._guarded(request, chat)
            content = _text_body(model, reply) | action
            headers = {
                MODEL_HEADER: self._answering.played_by(chat),
                "X-Amzn-Bedrock-Input-Token-Count": str(reply.input_tokens),
                "X-Amzn-Bedrock-Output-Token-Count": str(reply.output_tokens),
            }
        else:
            raise invalid(f"{model.id} is a reranker: call Rerank of bedrock-agent-runtime")
        latency = str(round((time.monotonic() - began) * 1000))
        return Answer(
            content=content, headers={**headers, "X-Amzn-Bedrock-Invocation-Latency": latency}
        )

    def invoke_with_stream(self, request: Request) -> Stream:
        """Chunks in Anthropic's or Nova's own events."""
        model = self._access.model(request["modelId"], kind="text")
        chat = _chat(model, _body(request.payload))
        if model.family not in STREAMED:
            raise invalid(
                f"InvokeModelWithResponseStream is not played for {model.id}; use ConverseStream"
            )

        def run(emit: Callable[[bytes], None]) -> None:
            def chunk(content: Body) -> None:
                encoded = base64.b64encode(json.dumps(content).encode()).decode()
                emit(event("chunk", {"bytes": encoded}))

            STREAMED[model.family](chunk, model, lambda told: self._answer(chat, told))

        return Stream(run=run, headers={MODEL_HEADER: self._answering.played_by(chat)})

    def _guarded(self, request: Request, chat: Chat) -> tuple[Reply, dict[str, str]]:
        """The reply, and what a guardrail adds to the body.

        https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-invoke-api.html
        """
        identifier = request.get("guardrailIdentifier")
        if not identifier:
            return self._answer(chat, None), {}
        guardrail = self._guardrails.find(identifier, request.get("guardrailVersion") or "DRAFT")
        user = [Part(text=each.text) for each in chat.messages if each.role == "user"]
        incoming = self._guardrails.assess(guardrail, "INPUT", user)
        intervened = {"amazon-bedrock-guardrailAction": "INTERVENED"}
        if incoming.blocked:
            return _replaced(incoming.message), intervened
        reply = self._answer(chat, None)
        outgoing = self._guardrails.assess(guardrail, "OUTPUT", [Part(text=reply.text)])
        if outgoing.blocked:
            return _replaced(outgoing.message), intervened
        if outgoing.masked:
            return _replaced(outgoing.texts[0]), intervened
        return reply, {"amazon-bedrock-guardrailAction": "NONE"}

    def _answer(self, chat: Chat, told: Callable[[str], None] | None) -> Reply:
        try:
            return self._answering.answer(chat, told)
        except ModelsError as error:
            raise BedrockError("ModelErrorException", str(error)) from None


def _replaced(text: str) -> Reply:
    return Reply(text=text, stop_reason="end_turn", input_tokens=0, output_tokens=0)


def _body(payload: bytes) -> Body:
    try:
        body = json.loads(payload)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Malformed input request, please reformat your input and try again.")
    return body


def _chat(model: Model, body: Body) -> Chat:
    readers = {"anthropic": _anthropic, "amazon": _amazon, "meta": _meta}
    if model.family not in readers:
        raise invalid(
            f"InvokeModel's body of {model.family} is not played by the local AWS; use Converse"
        )
    model.check_sampling(body)
    spoken, sampling = readers[model.family](model, body)
    return Chat(model=model, system=spoken.system, messages=spoken.messages, sampling=sampling)


def _required(body: Body, name: str) -> Any:
    if name not in body:
        raise invalid(
            f"Malformed input request: #: required key [{name}] not found, please reformat your "
            "input and try again."
        )
    return body[name]


def _anthropic(_model: Model, body: Body) -> tuple[Conversation, Sampling]:
    _required(body, "anthropic_version")
    most = _required(body, "max_tokens")
    system = body.get("system") or ""
    if isinstance(system, list):
        system = "\n\n".join(each.get("text", "") for each in system)
    messages = [
        {**each, "content": _blocks(each["content"])} for each in _required(body, "messages")
    ]
    sampling = Sampling(
        max_tokens=int(most),
        temperature=float(body.get("temperature", 0.0)),
        top_p=float(body.get("top_p", 1.0)),
        stop=tuple(body.get("stop_sequences") or ()),
    )
    return conversation([{"text": system}] if system else [], messages, None), sampling


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"text": content}]
    return [{"text": each["text"]} if "text" in each else {"image": each} for each in content]


def _amazon(model: Model, body: Body) -> tuple[Conversation, Sampling]:
    if model.id.startswith("amazon.titan"):
        given = body.get("textGenerationConfig") or {}
        text = _required(body, "inputText")
        spoken = conversation([], [{"role": "user", "content": [{"text": text}]}], None)
        return spoken, _sampling(given, "maxTokenCount")
    spoken = conversation(body.get("system") or [], _required(body, "messages"), None)
    return spoken, _sampling(body.get("inferenceConfig") or {}, "maxTokens")


def _sampling(given: Body, most: str) -> Sampling:
    return Sampling(
        max_tokens=int(given.get(most, given.get("max_new_tokens", MOST_TOKENS))),
        temperature=float(given.get("temperature", 0.0)),
        top_p=float(given.get("topP", 1.0)),
        stop=tuple(given.get("stopSequences") or ()),
    )


def _meta(_model: Model, body: Body) -> tuple[Conversation, Sampling]:
    text = _required(body, "prompt")
    spoken = conversation([], [{"role": "user", "content": [{"text": text}]}], None)
    return spoken, Sampling(
        max_tokens=int(body.get("max_gen_len", MOST_TOKENS)),
        temperature=float(body.get("temperature", 0.0)),
        top_p=float(body.get("top_p", 1.0)),
    )


def _text_body(model: Model, reply: Reply) -> dict[str, Any]:
    if model.family == "anthropic":
        return {
            "id": f"msg_bdrk_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": model.id,
            "content": [{"type": "text", "text": reply.text}],
            "stop_reason": reply.stop_reason,
            "stop_sequence": None,
            "usage": {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens},
        }
    if model.family == "meta":
        return {
            "generation": reply.text,
            "prompt_token_count": reply.input_tokens,
            "generation_token_count": reply.output_tokens,
            "stop_reason": "length" if reply.stop_reason == "max_tokens" else "stop",
        }
    if model.id.startswith("amazon.titan"):
        finished = "LENGTH" if reply.stop_reason == "max_tokens" else "FINISH"
        result = {
            "tokenCount": reply.output_tokens,
            "outputText": reply.text,
            "completionReason": finished,
        }
        return {"inputTextTokenCount": reply.input_tokens, "results": [result]}
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": reply.text}]}},
        "stopReason": reply.stop_reason,
        "usage": {
            "inputTokens": reply.input_tokens,
            "outputTokens": reply.output_tokens,
            "totalTokens": reply.input_tokens + reply.output_tokens,
        },
    }


Chunk = Callable[[Body], None]
Ask = Callable[[Callable[[str], None]], Reply]


def _anthropic_stream(chunk: Chunk, model: Model, ask: Ask) -> None:
    message: dict[str, Any] = {
        "id": f"msg_bdrk_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model.id,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    chunk({"type": "message_start", "message": message})
    block = {"type": "text", "text": ""}
    chunk({"type": "content_block_start", "index": 0, "content_block": block})

    def told(piece: str) -> None:
        delta = {"type": "text_delta", "text": piece}
        chunk({"type": "content_block_delta", "index": 0, "delta": delta})

    reply = ask(told)
    chunk({"type": "content_block_stop", "index": 0})
    delta = {"stop_reason": reply.stop_reason, "stop_sequence": None}
    chunk(
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": reply.output_tokens}}
    )
    metrics = {"inputTokenCount": reply.input_tokens, "outputTokenCount": reply.output_tokens}
    chunk({"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics})


def _nova_stream(chunk: Chunk, _model: Model, ask: Ask) -> None:
    chunk({"messageStart": {"role": "assistant"}})
    reply = ask(
        lambda piece: chunk(
            {"contentBlockDelta": {"delta": {"text": piece}, "contentBlockIndex": 0}}
        )
    )
    chunk({"contentBlockStop": {"contentBlockIndex": 0}})
    chunk({"messageStop": {"stopReason": reply.stop_reason}})
    usage = {"inputTokens": reply.input_tokens, "outputTokens": reply.output_tokens}
    chunk({"metadata": {"usage": usage}})


STREAMED: Mapping[str, Callable[[Chunk, Model, Ask], None]] = {
    "anthropic": _anthropic_stream,
    "amazon": _nova_stream,
}
