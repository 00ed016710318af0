"""A server on loopback that answers what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import json
import os
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any


@dataclass(frozen=True)
class Answer:
    """One answer; `cut` closes the connection instead, `close` after it. With `drip` each byte of
    the body comes so many seconds after the one before; `lacking` bytes are promised and not sent.
    """

    status: int = 200
    content: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    close: bool = False
    delay: float = 0.0
    drip: float = 0.0
    lacking: int = 0


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)


class ScriptedServer:
    """Gives `answers` in their order, then 200 with an empty object.

    Its URL has a path of its own: a stranger that still calls a port which was somebody else's
    before gets 404 and none of the answers.
    """

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        script = list(answers)
        self._base = f"/{os.urandom(6).hex()}"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if not self.path.startswith(outer._base):
                    self.send_error(404)
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append(
                    Asked(self.command, self.path.removeprefix(outer._base), headers, body)
                )
                answer = script.pop(0) if script else Answer()
                if answer.delay:
                    outer.stop.wait(answer.delay)
                self.close_connection = answer.cut or answer.close or answer.lacking > 0
                if answer.cut:
                    return
                text = answer.content
                data = text if isinstance(text, bytes) else json.dumps(text).encode()
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data) + answer.lacking))
                self.end_headers()
                if answer.drip:
                    _drip(self.wfile, data, seconds=answer.drip, stop=outer.stop)
                else:
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = _answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.stop = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._tls = tls
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._server.handle_error = lambda *_: None  # type: ignore[method-assign]

    @property
    def host(self) -> str:
        return f"{'localhost' if self._tls else '127.0.0.1'}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://{self.host}{self._base}"

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()


def _drip(out: IO[bytes], data: bytes, *, seconds: float, stop: threading.Event) -> None:
    """Write byte by byte, as long as somebody reads."""
    for byte in data:
        if stop.wait(seconds):
            return
        try:
            out.write(bytes([byte]))
            out.flush()
        except OSError:
            return
