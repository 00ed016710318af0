"""What an EC2 instance sees of AWS besides its queue: its metadata (IMDSv2) and Auto Scaling."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

ROLE = "worker-role"


class InstanceServer:
    """Start with `with InstanceServer() as instance`; change `items` to announce things."""

    def __init__(self, *, instance_id: str = "i-0123456789abcdef0") -> None:
        self.items: dict[str, str] = {
            "instance-id": instance_id,
            "autoscaling/target-lifecycle-state": "InService",
            "placement/region": "eu-west-1",
        }
        self.actions: list[tuple[str, dict[str, str], float]] = []
        self.refuse_actions = False
        self.unauthorized = 0
        self.requests: list[str] = []
        self._tokens: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                self._read()
                if "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
                    self._send(400, "no ttl")
                    return
                token = f"token-{len(outer._tokens)}"
                outer._tokens.add(token)
                self._send(200, token)

            def do_GET(self) -> None:
                outer.requests.append(self.path)
                if self.headers.get("X-aws-ec2-metadata-token") not in outer._tokens:
                    outer.unauthorized += 1
                    self._send(401, "no token")
                    return
                item = outer.items.get(self.path.removeprefix("/latest/meta-data/"))
                self._send(404 if item is None else 200, item or "not found")

            def do_POST(self) -> None:
                form = {name: values[0] for name, values in parse_qs(self._read()).items()}
                action = form.get("Action", "")
                outer.actions.append((action, form, time.monotonic()))
                if outer.refuse_actions:
                    self._send(
                        400,
                        "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>"
                        "<Message>No active Lifecycle Action found</Message></Error>"
                        "<RequestId>1</RequestId></ErrorResponse>",
                    )
                    return
                self._send(
                    200,
                    f'<{action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
                    f"<{action}Result/><ResponseMetadata><RequestId>1</RequestId>"
                    f"</ResponseMetadata></{action}Response>",
                )

            def _read(self) -> str:
                return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

            def _send(self, status: int, text: str) -> None:
                content = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> InstanceServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def announce_spot(self, seconds: float) -> None:
        """Publish a spot interruption notice."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        self.items["spot/instance-action"] = json.dumps({"action": "terminate", "time": at})

    def announce_scale_in(self) -> None:
        """Let Auto Scaling want the instance gone."""
        self.items["autoscaling/target-lifecycle-state"] = "Terminated"

    def grant(self, *, token: str, expires_in: float) -> None:
        """Publish credentials of the instance's role."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + expires_in))
        self.items["iam/security-credentials/"] = ROLE
        self.items[f"iam/security-credentials/{ROLE}"] = json.dumps(
            {
                "Code": "Success",
                "Type": "AWS-HMAC",
                "AccessKeyId": f"AKIA{token}",
                "SecretAccessKey": f"secret-{token}",
                "Token": token,
                "Expiration": at,
            }
        )

    def completed(self) -> list[dict[str, str]]:
        """The lifecycle actions that were completed."""
        return [form for action, form, _ in self.actions if action == "CompleteLifecycleAction"]
