"""Signed requests over kept-alive connections, with the retries of AWS's SDKs.

Shared by SQS, S3 and DynamoDB. One object per service; threads share it, each request borrows one
connection.
"""

from __future__ import annotations

import email.utils
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from worker.aws import AwsError
from worker.aws_config import AwsConfig, Endpoint
from worker.http_connection import ConnectionFailedError, HttpConnection, Response
from worker.retries import (
    CLOCK_CODES,
    EXPIRED_CODES,
    RetryQuota,
    delay_before_retry,
    is_retryable,
)
from worker.signing import EMPTY_SHA256, Moment, Signer, sha256_hex

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 15.0
USER_AGENT = "groundwork-worker"
# A connection that has been idle for longer is looked at before it is used again.
TRUSTED_IDLE_SECONDS = 1.0
# AWS accepts requests within five minutes; a smaller difference is not why it refused one.
SKEW_THAT_MATTERS_SECONDS = 60.0

ErrorParser = Callable[[Response], tuple[str, str]]
"""Turns an error response into (code, message)."""


class Template:
    """What stays the same between requests: method, path, query, headers with lower-case names.

    `path` and `query` are percent-encoded as SigV4 wants them. `host` overrides the endpoint's
    (virtual-hosted buckets). What is derived from it for the current second is kept, so a template
    that is used again costs the hash of its body and a signature. Threads may share one.
    """

    __slots__ = ("derived", "headers", "host", "method", "path", "query")

    def __init__(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        query: str = "",
        host: str | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.query = query
        self.host = host
        self.derived: Derived | None = None


class Derived(NamedTuple):
    """A template at one moment.

    `canonical` has hashed the canonical request up to the body's hash; `head` is what to send up to
    the signature.
    """

    moment: Moment
    canonical: Hash
    head: bytes


class SignedHttp:
    """Sends signed requests to one service."""

    def __init__(
        self,
        *,
        config: AwsConfig,
        service: str,
        endpoint: Endpoint,
        parse_error: ErrorParser,
        sign_body_header: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.calls = 0
        self.endpoint = endpoint
        self._host_header = endpoint.host_header
        self.signer = Signer(service=service, region=config.region, credentials=config.credentials)
        self._config = config
        self._parse_error = parse_error
        self._sign_body_header = sign_body_header
        self._sleep = sleep
        self._max_attempts = config.max_attempts
        self._quota = RetryQuota()
        self._tls: ssl.SSLContext | None = (
            config.tls_context() if endpoint.scheme == "https" else None
        )
        self._lock = threading.Lock()
        self._idle: dict[str, list[tuple[HttpConnection, float]]] = {}

    def request(
        self,
        template: Template,
        *,
        body: bytes = b"",
        body_sha256: str | None = None,
        read_timeout: float = READ_TIMEOUT_SECONDS,
        attempts: int | None = None,
        largest_body: int | None = None,
    ) -> Response:
        """Send until it succeeds or is not worth trying again; return the 2xx response.

        Raises AwsError.
        """
        attempts = attempts or self._max_attempts
        body_sha256 = body_sha256 or (sha256_hex(body) if body else EMPTY_SHA256)
        taken = 0
        corrections = None
        attempt = 1
        while True:
            try:
                response = self._once(template, body, body_sha256, read_timeout, largest_body)
                if response.status < 300:
                    self._quota.give_back(taken)
                    return response
                error = self._error(response)
                correction = self._correct(error, response)
            except ConnectionFailedError as failure:
                code = "Timeout" if failure.timed_out else "ConnectionError"
                error = AwsError(code, 0, f"{self.endpoint.host_header}: {failure}", True)
                correction = "stale connection" if failure.reused else None
            if corrections is None:
                corrections = {"clock", "credentials", "stale connection"}
            if correction in corrections:
                corrections.remove(correction)
                continue
            if not error.retryable or attempt >= attempts:
                raise error
            cost = self._quota.take(after_timeout=error.code == "Timeout")
            if not cost:
                raise error
            taken += cost
            self._sleep(delay_before_retry(attempt))
            attempt += 1

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection, _ in connections:
                connection.close()

    def _once(
        self,
        template: Template,
        body: bytes,
        body_sha256: str,
        read_timeout: float,
        largest_body: int | None,
    ) -> Response:
        message = self.message(template, body, body_sha256)
        key = template.host or self.endpoint.host
        connection = self._borrow(key)
        try:
            response = connection.request(
                message,
                read_timeout=read_timeout,
                head_only=template.method == "HEAD",
                largest_body=largest_body,
            )
        except ssl.SSLCertVerificationError as error:
            raise AwsError(
                "CertificateError", 0, f"{key}: {error}; set AWS_CA_BUNDLE", False
            ) from error
        self._give_back(key, connection)
        return response

    def message(self, template: Template, body: bytes, body_sha256: str) -> bytes:
        """The bytes of a request, signed for the current second."""
        moment = self.signer.moment()
        derived = template.derived
        if derived is None or derived.moment is not moment or self._sign_body_header:
            derived = template.derived = self._derive(template, moment, body_sha256)
        signature = self.signer.signature(moment, derived.canonical, body_sha256)
        length = f"content-length: {len(body)}\r\n" if body or template.method != "GET" else ""
        return b"".join((derived.head, f"{signature}\r\n{length}\r\n".encode(), body))

    def _derive(self, template: Template, moment: Moment, body_sha256: str) -> Derived:
        headers = dict(template.headers)
        headers["host"] = (
            self._host_header if template.host is None else self.endpoint.header_for(template.host)
        )
        headers["x-amz-date"] = moment.amz_date
        if moment.token:
            headers["x-amz-security-token"] = moment.token
        if self._sign_body_header:
            headers["x-amz-content-sha256"] = body_sha256
        names = sorted(headers)
        signed_headers = ";".join(names)
        canonical_headers = "".join([f"{name}:{headers[name]}\n" for name in names])
        lines = "".join([f"{name}: {headers[name]}\r\n" for name in names])
        path = self.endpoint.path + template.path
        target = f"{path}?{template.query}" if template.query else path
        authorization = self.signer.authorization(moment, signed_headers)
        canonical = (
            f"{template.method}\n{path}\n{template.query}\n{canonical_headers}\n{signed_headers}\n"
        )
        head = (
            f"{template.method} {target} HTTP/1.1\r\n{lines}user-agent: {USER_AGENT}\r\n"
            f"authorization: {authorization}"
        )
        return Derived(moment, sha256(canonical.encode()), head.encode("latin-1"))

    def _borrow(self, host: str) -> HttpConnection:
        with self._lock:
            self.calls += 1
            idle = self._idle.get(host)
            entry = idle.pop() if idle else None
        if entry is None:
            return HttpConnection(
                host, self.endpoint.port, tls=self._tls, connect_timeout=CONNECT_TIMEOUT_SECONDS
            )
        connection, since = entry
        if time.monotonic() - since > TRUSTED_IDLE_SECONDS:
            connection.drop_if_stale()
        return connection

    def _give_back(self, host: str, connection: HttpConnection) -> None:
        if connection.is_open:
            entry = (connection, time.monotonic())
            with self._lock:
                self._idle.setdefault(host, []).append(entry)

    def _error(self, response: Response) -> AwsError:
        code, message = self._parse_error(response)
        return AwsError(code, response.status, message, is_retryable(code, response.status))

    def _correct(self, error: AwsError, response: Response) -> str | None:
        """Remove the cause of a refused signature; say which correction was made, if any."""
        if error.code in EXPIRED_CODES:
            self._config.credentials.renew()
            self.signer.forget()
            return "credentials"
        if error.code in CLOCK_CODES or error.status == 403:
            try:
                date = email.utils.parsedate_to_datetime(response.headers["date"])
            except (KeyError, ValueError, TypeError):
                return None
            skew = date.timestamp() - time.time()
            if abs(skew - self.signer.skew) > SKEW_THAT_MATTERS_SECONDS:
                self.signer.skew = skew
                return "clock"
        return None
