"""SmolLM2-135M-Instruct on one CPU thread, through llama.cpp.

Real text from a real model, and that is all it is good for: with passages before it, it was right
in about a third of our questions, denies what they say, and never admits not to know. It proves
that text flows; it judges no prompt.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.models.files import LANGUAGE, model_file

NAME = "SmolLM2-135M-Instruct"
CONTEXT = 4096
MOST_TOKENS = 128
"""Of one answer, however many are asked for: at 45 tokens a second that is three seconds."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What the model wrote and how long that was."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next word is chosen; temperature 0 is deterministic."""

    max_tokens: int = MOST_TOKENS
    temperature: float = 0.0
    top_p: float = 1.0
    stop: Sequence[str] = field(default_factory=tuple)


class LanguageModel:
    """The model, loaded at the first prompt."""

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._running = threading.Lock()
        self._server: Any = None

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._server is not None

    def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        sampling: Sampling,
        told: Callable[[str], None] | None = None,
    ) -> Completion:
        """Write on; `told` hears each piece of text as it comes. Raises ModelMissingError."""
        self._load()
        pieces: list[str] = []
        last: dict[str, Any] = {}

        def hear(event: Mapping[str, Any]) -> bool:
            last.update({key: value for key, value in event.items() if value is not None})
            for choice in event.get("choices") or ():
                last["finish"] = choice.get("finish_reason") or last.get("finish")
                piece = (choice.get("delta") or {}).get("content")
                if piece:
                    pieces.append(piece)
                    if told:
                        told(piece)
            return False

        request = {
            "messages": [dict(each) for each in messages],
            "max_tokens": min(sampling.max_tokens, MOST_TOKENS),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_prompt": False,  # the same prompt has the same answer, whatever came before
        }
        with self._running:
            self._server.handle_chat_completions(request, hear)
        usage = last.get("usage") or {}
        return Completion(
            text="".join(pieces),
            stop_reason="max_tokens" if last.get("finish") == "length" else "end_turn",
            input_tokens=int(usage.get("prompt_tokens", 0)),
            output_tokens=int(usage.get("completion_tokens", len(pieces))),
        )

    def _load(self) -> None:
        with self._loading:
            if self._server is not None:
                return
            path = model_file(LANGUAGE)
            import xllamacpp

            parameters = xllamacpp.CommonParams()
            parameters.model.path = str(path)
            parameters.n_parallel, parameters.n_ctx = 1, CONTEXT
            parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
            parameters.hostnames, parameters.port = ["127.0.0.1"], 0
            parameters.n_threads_http, parameters.ui, parameters.warmup = 1, False, False
            parameters.verbosity = 0
            self._server = xllamacpp.Server(parameters)
