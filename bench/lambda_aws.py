"""DynamoDB and SQS for measured functions: TLS on loopback, an answer to every write at once.

It runs in the benchmark's own process, whose processor time is not counted.
"""

from __future__ import annotations

import json
import ssl
import threading
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from bench.sqs_process import Certificate


class AwsServer:
    """Counts its calls; use as a context manager."""

    def __init__(self, certificate: Certificate) -> None:
        self.calls = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if "AWS4-HMAC-SHA256" not in self.headers.get("Authorization", ""):
                    raise ConnectionError("the request is not signed")
                server.calls += 1
                answer = {"Successful": [_sent(entry) for entry in request.get("Entries", ())]}
                body = json.dumps(answer if "Entries" in request else {}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    @property
    def url(self) -> str:
        """The value of AWS_ENDPOINT_URL."""
        return f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> AwsServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def bundle_with(certificate: Certificate, *, certificates: Path, folder: Path) -> Path:
    """A CA bundle of usual size that also trusts the server's own certificate."""
    bundle = folder / "bundle.pem"
    bundle.write_text(certificates.read_text() + certificate.certificate.read_text())
    return bundle


def trust(certificate: Certificate, folder: Path) -> bool:
    """Add the server's certificate to a function's own authorities; False when it has none."""
    roots = folder / "edge" / "amazon_roots.pem"
    if not roots.is_file():
        return False
    roots.write_text(roots.read_text() + certificate.certificate.read_text())
    return True


def _sent(entry: dict[str, str]) -> dict[str, str]:
    digest = md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()
    return {"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": digest}
