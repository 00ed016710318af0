"""Calls of AWS without an SDK: signed, retried, on kept connections.

A function that imports boto3 and makes a client spends several times longer on starting than Python
and Lambda's runtime together (bench/cold_start.py measures it), and moving the import into the
handler moves the cost into the first request. On the hot path few operations are called, so this
package speaks their protocols by the standard library alone: what is asked is made in
edge/message.py, connections are kept in edge/service.py, and here are credentials, retries,
deadlines and the clock. For all else there is boto3.

    aws = Aws()
    aws.call("sqs", "SendMessageBatch", QueueUrl=url, Entries=entries)
    for event in aws.stream("bedrock-runtime", "ConverseStream", modelId=model, messages=messages):
        ...
"""

from __future__ import annotations

import http.client
import json
import os
import time

from edge.credentials import CredentialSource
from edge.errors import (
    CLOCK_CODES,
    EXPIRED_CODES,
    AwsError,
    RetryQuota,
    delay_before_retry,
    error_of,
)
from edge.message import SIGNING_NAMES, TARGETS, message_of
from edge.service import Service, connection_error, endpoint_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from edge.message import Message

USER_AGENT = "groundwork-function"
ATTEMPTS = 3
SKEW_THAT_MATTERS_SECONDS = 60.0

AMAZON_ROOTS = os.path.join(os.path.dirname(__file__), "amazon_roots.pem")  # noqa: PTH118, PTH120


class Aws:
    """AWS as one function's role sees it. Not for use by two threads at once.

    `give_up_at` (as time.monotonic()) bounds everything that a handler calls: no attempt begins
    or waits beyond it, so that the caller gets an error with a name and not Lambda's time-out.
    """

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.calls = 0
        self.give_up_at = float("inf")
        self._environ = environ
        self._attempts = attempts
        self._sleep = sleep
        self._credentials = CredentialSource(environ)
        self._quota = RetryQuota()
        self._skew = 0.0
        self._tls: ssl.SSLContext | None = None
        self._all_roots = False
        self._services: dict[str, Service] = {}

    def call(self, service: str, operation: str, **params: object) -> dict[str, Any]:
        """Call an operation and return its answer. Raises AwsError."""
        api = self.service(service)
        message = message_of(service, operation, params)
        answer: dict[str, Any] = self._tried(lambda: self._once(api, message))
        return answer

    def stream(self, service: str, operation: str, **params: object) -> Iterator[dict[str, Any]]:
        """Call an operation and give its events as they arrive, each as {name: content}.

        Raises AwsError, while it begins after retries, later without: what has been given cannot
        be taken back.
        """
        from edge.event_stream import events

        api = self.service(service)
        message = message_of(service, operation, params)
        response = self._tried(lambda: self._begun(api, message))
        try:
            yield from events(api.pieces(response, give_up_at=self.give_up_at))
        except TimeoutError as error:
            raise AwsError("Timeout", 0, f"{api.host}: the answer stopped", True) from error
        except (OSError, http.client.HTTPException) as error:
            raise connection_error(api.host, error) from error
        finally:
            if not response.isclosed():
                api.close()

    def within(self, seconds: float) -> Within:
        """For a `with` block whose calls may take so long together and no longer."""
        return Within(self, seconds)

    def another(self) -> Aws:
        """A client for another thread, with the same environment, limits and TLS context."""
        other = Aws(self._environ, attempts=self._attempts, sleep=self._sleep)
        other.give_up_at = self.give_up_at
        other._tls, other._all_roots = self._tls, self._all_roots
        return other

    def _tried(self, once: Callable[[], Any]) -> Any:
        """What `once` gives, after corrections and retries."""
        taken = attempt = 0
        corrections = {"certificates", "clock", "credentials"}
        while True:
            attempt += 1
            try:
                answer = once()
            except AwsError as error:
                correction = self._correct(error)
                if correction in corrections:
                    corrections.remove(correction)
                    attempt -= 1
                    continue
                taken += self._wait_for_retry(error, attempt)
            else:
                self._quota.give_back(taken)
                return answer

    def service(self, name: str) -> Service:
        """A service's endpoint and connection; making it does not connect."""
        service = self._services.get(name)
        if service is None:
            if name not in TARGETS and name not in SIGNING_NAMES:
                known = ", ".join(sorted([*TARGETS, *SIGNING_NAMES]))
                raise ValueError(f"{name}: choose one of {known}, or use boto3")
            region = self._environ.get("AWS_REGION") or self._environ.get("AWS_DEFAULT_REGION")
            if not region:
                raise AwsError("NoRegion", 0, "AWS_REGION is not set; set it", False)
            url = endpoint_of(name, region=region, environ=self._environ)
            service = self._services[name] = Service(
                name, region=region, url=url, tls=self.tls_context
            )
        return service

    def prepare(self, *services: str) -> Aws:
        """Make what the first call would wait for, without talking to anybody.

        For the top of a module: Lambda initialises at full speed, whatever the memory setting.
        """
        for name in services:
            if self.service(name).secure:
                self.tls_context()
        return self

    def tls_context(self) -> ssl.SSLContext:
        """One TLS context for all services.

        Reading the 120 to 150 authorities of a usual bundle takes longer than all the rest of a
        first call, so AWS's own five are tried first and the system's only when they do not do.
        AWS_CA_BUNDLE replaces both.
        """
        if self._tls is None:
            import ssl

            bundle = self._environ.get("AWS_CA_BUNDLE") or None
            few = None if self._all_roots else AMAZON_ROOTS
            try:
                self._tls = ssl.create_default_context(cafile=bundle or few)
            except OSError as error:
                raise AwsError(
                    "InvalidCaBundle", 0, f"{bundle}: {error}; correct AWS_CA_BUNDLE", False
                ) from error
            self._all_roots = self._all_roots or bundle is not None
        return self._tls

    def _once(self, service: Service, message: Message) -> dict[str, Any]:
        response = self._begun(service, message)
        try:
            answer = service.rest_of(response, give_up_at=self.give_up_at)
        except (OSError, http.client.HTTPException) as error:
            raise connection_error(service.host, error) from error
        if response.getheader("content-type", "").endswith("/xml"):
            return {}
        try:
            parsed = json.loads(answer) if answer else {}
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise AwsError(
                "UnexpectedAnswer", response.status, f"{message.name}: not a JSON object", True
            )
        return parsed

    def _begun(self, service: Service, message: Message) -> http.client.HTTPResponse:
        """An answer that has begun well; its body is still to be read. Raises AwsError."""
        self.calls += 1
        left = self.give_up_at - time.monotonic()
        if left <= 0:
            raise AwsError("Timeout", 0, f"no time is left for {message.name}", False)
        signed = service.signer.sign(
            self._credentials.current(),
            method=message.method,
            path=service.path_of(message),
            query=message.query,
            headers={**message.headers, "host": service.host},
            body=message.body,
            now=time.time() + self._skew,
        )
        signed["user-agent"] = USER_AGENT
        trace = self._environ.get("_X_AMZN_TRACE_ID")
        if trace:
            # X-Ray continues the trace by it, and Lambda notices functions that call themselves:
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
            signed["x-amzn-trace-id"] = trace
        try:
            response = service.send(message, signed, longest=left)
            if response.status < 300:
                return response
            answer = service.rest_of(response, give_up_at=self.give_up_at)
        except (OSError, http.client.HTTPException) as error:
            raise connection_error(service.host, error) from error
        answered = {name.lower(): value for name, value in response.getheaders()}
        refusal = error_of(response.status, answered, answer)
        self._note_clock(refusal, answered)
        raise refusal

    def _wait_for_retry(self, error: AwsError, attempt: int) -> int:
        """Sleep before another attempt and return its price, or raise the error for good."""
        if not error.retryable or attempt >= self._attempts:
            raise error
        delay = delay_before_retry(attempt)
        if time.monotonic() + delay >= self.give_up_at:
            raise error
        cost = self._quota.take(after_timeout=error.code == "Timeout")
        if not cost:
            raise error
        self._sleep(delay)
        return cost

    def _correct(self, error: AwsError) -> str | None:
        """Remove the cause of a refusal; say which correction was made, if any."""
        if error.code in EXPIRED_CODES:
            self._credentials.renew()
            return "credentials"
        if error.code == "CertificateError" and not self._all_roots:
            self._tls, self._all_roots = None, True
            return "certificates"
        return "clock" if isinstance(error, ClockError) else None

    def _note_clock(self, error: AwsError, headers: Mapping[str, str]) -> None:
        """A refusal whose Date differs from our clock is corrected and tried once more.

        The clock of a copy that was frozen or restored can be behind for a moment.
        """
        if error.code not in CLOCK_CODES or "date" not in headers:
            return
        import email.utils

        server = email.utils.parsedate_to_datetime(headers["date"]).timestamp()
        skew = server - time.time()
        if abs(skew - self._skew) > SKEW_THAT_MATTERS_SECONDS:
            self._skew = skew
            raise ClockError(error.code, error.status, error.message, error.retryable)


class ClockError(AwsError):
    """A refused signature whose cause, our clock, has been corrected."""


class Within:
    """Brings the time to give up nearer while a block runs."""

    def __init__(self, aws: Aws, seconds: float) -> None:
        self._aws = aws
        self._seconds = seconds
        self._before = aws.give_up_at

    def __enter__(self) -> Aws:
        self._before = self._aws.give_up_at
        self._aws.give_up_at = min(self._before, time.monotonic() + self._seconds)
        return self._aws

    def __exit__(self, *_: object) -> None:
        self._aws.give_up_at = self._before
