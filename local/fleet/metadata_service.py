"""The instance metadata service of one instance: IMDSv2 on a loopback port of its own.

A session token by PUT with its time to live, then GET with the token; without a token or with one
that has run out the answer is 401, as with `HttpTokens: required`
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html).
The hop limit is not modelled. Credentials of the role carry an expiry and are renewed before it
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PREFIX = "/latest/meta-data/"
LONGEST_TOKEN_SECONDS = 21_600
CREDENTIAL_SECONDS = 6 * 3600
RENEWED_BEFORE_SECONDS = 15 * 60
LARGEST_REQUEST = 16_384
KEY_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: str = ""
    headers: tuple[str, ...] = ()


@dataclass(kw_only=True)
class MetadataService:
    """Serves `items`, a function from path to text (None: 404), and the role's credentials."""

    role: str
    items: Callable[[str], str | None]
    _tokens: dict[str, float] = field(default_factory=dict)
    _credentials: dict[str, str] = field(default_factory=dict)
    _expires: float = 0.0
    _server: asyncio.Server | None = None
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> str:
        """Listen on a free loopback port; returns the URL for AWS_EC2_METADATA_SERVICE_ENDPOINT."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Close the port and the connections: the instance is gone."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._connections):
            writer.close()

    def answer(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """Answer one request; header names are in lower case."""
        if path == "/latest/api/token":
            return self._token(method, headers)
        expires = self._tokens.get(headers.get("x-aws-ec2-metadata-token", ""), 0.0)
        if expires < time.monotonic():
            return Answer(status=401, body="Unauthorized")
        if method != "GET":
            return Answer(status=405, body="Method Not Allowed")
        if not path.startswith(PREFIX):
            return Answer(status=404, body="Not Found")
        item = path.removeprefix(PREFIX).rstrip("/")
        text = self._role(item)
        if text is None:
            text = self.items(item)
        return (
            Answer(status=404, body="Not Found") if text is None else Answer(status=200, body=text)
        )

    def _token(self, method: str, headers: dict[str, str]) -> Answer:
        if method != "PUT":
            return Answer(status=405, body="Method Not Allowed")
        given = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not given.isdigit() or not 1 <= int(given) <= LONGEST_TOKEN_SECONDS:
            return Answer(status=400, body="Bad Request")
        # A forwarded PUT is refused, which keeps open proxies from handing out tokens.
        if "x-forwarded-for" in headers:
            return Answer(status=403, body="Forbidden")
        now = time.monotonic()
        self._tokens = {token: end for token, end in self._tokens.items() if end > now}
        token = secrets.token_urlsafe(42)
        self._tokens[token] = now + int(given)
        return Answer(
            status=200, body=token, headers=(f"X-Aws-Ec2-Metadata-Token-Ttl-Seconds: {given}",)
        )

    def _role(self, item: str) -> str | None:
        if item == "iam/security-credentials":
            return self.role
        if item != f"iam/security-credentials/{self.role}":
            return None
        now = time.time()
        if now > self._expires - RENEWED_BEFORE_SECONDS:
            self._expires = now + CREDENTIAL_SECONDS
            identifier = "".join(secrets.choice(KEY_CHARACTERS) for _ in range(16))
            self._credentials = {
                "Code": "Success",
                "Type": "AWS-HMAC",
                "LastUpdated": _iso(now),
                "AccessKeyId": f"ASIA{identifier}",
                "SecretAccessKey": secrets.token_urlsafe(30),
                "Token": secrets.token_urlsafe(90),
                "Expiration": _iso(self._expires),
            }
        return json.dumps(self._credentials)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        if len(head) > LARGEST_REQUEST:
            return False
        lines = head.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        length = int(headers.get("content-length", "0") or 0)
        if length:
            await reader.readexactly(min(length, LARGEST_REQUEST))
        answer = self.answer(method, path, headers)
        body = answer.body.encode()
        close = headers.get("connection", "").lower() == "close"
        extra = "".join(f"{header}\r\n" for header in answer.headers)
        writer.write(
            f"HTTP/1.1 {answer.status} {REASONS[answer.status]}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {'close' if close else 'keep-alive'}\r\n"
            f"{extra}\r\n".encode()
            + body
        )
        await writer.drain()
        return not close


REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
