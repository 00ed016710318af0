"""S3 for tests: the local AWS's implementation behind a socket, with canned answers for faults."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ministack.services import s3


@dataclass
class Canned:
    """An answer to give instead of the service's."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class S3Server:
    """Start with `with S3Server("bucket") as server`; `canned` answers are given first."""

    def __init__(self, *buckets: str) -> None:
        self.canned: list[Canned] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._buckets = buckets
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = outer._answer(self.command, self.path, headers, body)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() != "content-length" or self.command == "HEAD":
                        self.send_header(name, value)
                if self.command != "HEAD":
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            def do_PUT(self) -> None:
                self.do_GET()

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> S3Server:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.reset()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        s3.reset()

    def reset(self) -> None:
        """Empty buckets, as at the start."""
        s3.reset()
        self.canned.clear()
        self.requests.clear()
        for bucket in self._buckets:
            assert self._serve("PUT", f"/{bucket}", {}, b"").status == 200

    def keep_versions(self, bucket: str) -> None:
        """Switch versioning on."""
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert self._serve("PUT", f"/{bucket}?versioning", {}, body).status == 200

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Canned:
        self.requests.append((method, path, headers))
        if self.canned:
            return self.canned.pop(0)
        return self._serve(method, path, headers, body)

    def _serve(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Canned:
        parts = urlsplit(path)
        query = {n: [v] for n, v in parse_qsl(parts.query, keep_blank_values=True)}
        with self._lock:
            status, answer_headers, content = asyncio.run(
                s3.handle_request(method, unquote(parts.path), headers, body, query)
            )
        content = content if isinstance(content, bytes) else str(content or "").encode()
        return Canned(status, content, dict(answer_headers))
