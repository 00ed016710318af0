"""One service of AWS: where it answers, and the connection to it that is kept."""

from __future__ import annotations

import http.client
import select
import time

from edge.errors import AwsError
from edge.message import SIGNING_NAMES
from edge.signing import Signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from edge.message import Message

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 10.0
LONG_READ_SECONDS = {"bedrock-runtime": 120.0, "bedrock-agent-runtime": 60.0}
"""A model thinks before it answers, and a vector store that has scaled to zero starts first."""
TRUSTED_IDLE_SECONDS = 1.0
LONGEST_IDLE_SECONDS = 30.0
"""A connection that was idle for longer than the first is looked at before it is used, one that was
idle for longer than the second is replaced: while a copy is frozen, or in a snapshot, its peer may
have gone without this end being told."""

PARTITIONS = (
    ("cn-", "amazonaws.com.cn"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
)


class Service:
    """One service: where it answers, its signing key, its kept connection."""

    def __init__(
        self, name: str, *, region: str, url: str, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        scheme, _, rest = url.partition("://")
        netloc, slash, path = rest.partition("/")
        if scheme not in ("http", "https") or not netloc or "@" in netloc:
            raise AwsError("InvalidEndpoint", 0, f"{url!r}: not an http(s) URL; correct it", False)
        self.secure = scheme == "https"
        self.path = (slash + path).rstrip("/") + "/"
        self.signer = Signer(service=SIGNING_NAMES.get(name, name), region=region)
        self._read_timeout = LONG_READ_SECONDS.get(name)
        self._tls = tls
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0
        try:
            probe = http.client.HTTPConnection(netloc)
        except http.client.InvalidURL as error:
            raise AwsError("InvalidEndpoint", 0, f"{url!r}: {error}; correct it", False) from error
        self._name = probe.host
        self._port = (
            probe.port if ":" in netloc.rpartition("]")[2] else (443 if self.secure else 80)
        )
        self.host = netloc.lower().removesuffix(":443" if self.secure else ":80")

    def path_of(self, message: Message) -> str:
        """The path as it is sent."""
        return self.path[:-1] + message.path

    def send(
        self, message: Message, headers: Mapping[str, str], *, longest: float
    ) -> http.client.HTTPResponse:
        """Send one request; the answer with its body unread.

        A kept connection that turns out to be closed before the answer begins is replaced once.
        """
        connection, kept = self._open(longest)
        try:
            return self._begin(connection, message, headers)
        except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected):
            self.close()
            if not kept:
                raise
        except BaseException:
            self.close()
            raise
        connection, _ = self._open(longest)
        try:
            return self._begin(connection, message, headers)
        except BaseException:
            self.close()
            raise

    def rest_of(self, response: http.client.HTTPResponse, *, give_up_at: float) -> bytes:
        """The body of an answer; the connection is kept afterwards, unless the peer closes it."""
        try:
            return b"".join(self.pieces(response, give_up_at=give_up_at))
        except BaseException:
            self.close()
            raise

    def pieces(self, response: http.client.HTTPResponse, *, give_up_at: float) -> Iterator[bytes]:
        """The body of an answer as it arrives."""
        while True:
            left = give_up_at - time.monotonic()
            if left <= 0:
                raise TimeoutError("no time is left")
            connection = self._connection
            if connection is not None and connection.sock is not None:
                connection.sock.settimeout(min(self._longest_read, left))
            piece = response.read1(65_536)
            if not piece:
                break
            yield piece
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        response.read()  # nothing is left; it says so to the connection
        self._ended(response)

    def close(self) -> None:
        """Close the connection; the next request connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _begin(
        self,
        connection: http.client.HTTPConnection,
        message: Message,
        headers: Mapping[str, str],
    ) -> http.client.HTTPResponse:
        target = self.path_of(message) + (f"?{message.query}" if message.query else "")
        connection.putrequest(message.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(message.body)))
        connection.endheaders(message.body)
        return connection.getresponse()

    def _ended(self, response: http.client.HTTPResponse) -> None:
        self._used_at = time.time()
        if response.will_close:
            self.close()

    @property
    def _longest_read(self) -> float:
        return READ_TIMEOUT_SECONDS if self._read_timeout is None else self._read_timeout

    def _open(self, longest: float) -> tuple[http.client.HTTPConnection, bool]:
        """The connection and whether it was used before."""
        read_timeout = min(self._longest_read, longest)
        connection = self._connection
        if connection is not None and connection.sock is not None:
            idle = time.time() - self._used_at
            if idle < TRUSTED_IDLE_SECONDS or (
                idle < LONGEST_IDLE_SECONDS and not select.select([connection.sock], [], [], 0)[0]
            ):
                connection.sock.settimeout(read_timeout)
                return connection, True
            self.close()
        timeout = min(CONNECT_TIMEOUT_SECONDS, longest)
        if self.secure:
            connection = http.client.HTTPSConnection(
                self._name, self._port, timeout=timeout, context=self._tls()
            )
        else:
            connection = http.client.HTTPConnection(self._name, self._port, timeout=timeout)
        connection.connect()
        connection.sock.settimeout(read_timeout)
        self._connection = connection
        return connection, False


def endpoint_of(service: str, *, region: str, environ: Mapping[str, str]) -> str:
    """Where a service answers: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, or the Region's.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    What this client does not do is refused by name, with what to set instead.
    """
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        specific = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        configured = environ.get(specific) or environ.get("AWS_ENDPOINT_URL")
        if configured:
            return configured
        for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
            if environ.get(name, "").lower() == "true":
                raise AwsError(
                    "UnusualEndpoint", 0, f"{name} is set; set {specific} to that endpoint", False
                )
    suffix = next((end for start, end in PARTITIONS if region.startswith(start)), "amazonaws.com")
    return f"https://{service}.{region}.{suffix}"


def connection_error(host: str, error: Exception) -> AwsError:
    """A failure below HTTP; one that the certificate caused will not go away by itself."""
    if isinstance(error, TimeoutError):
        return AwsError("Timeout", 0, f"{host}: no answer in time", True)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return AwsError("CertificateError", 0, f"{host}: {error}; set AWS_CA_BUNDLE", False)
    return AwsError("ConnectionError", 0, f"{host}: {error!r}", True)
