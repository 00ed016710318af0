"""AWS Signature Version 4, with everything that stays the same cached.

The signing key changes once a day and per credential, the date once a second, most of a request
never. Hashes over what precedes a change are kept and copied, which also saves looking up the
algorithm in OpenSSL: that costs more than hashing the little that is left. boto3 spends most of its
2 to 3 ms per call elsewhere, but a signer that walks through generic request objects still costs
more than the whole request here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from hmac import digest
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = sha256()
EMPTY_SHA256 = EMPTY.hexdigest()
BLOCK_BYTES = 64


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of a few bytes, in hexadecimal digits."""
    hashed = EMPTY.copy()
    hashed.update(data)
    return hashed.hexdigest()


class Credentials(Protocol):
    """What botocore calls frozen credentials."""

    @property
    def access_key(self) -> str: ...  # noqa: D102
    @property
    def secret_key(self) -> str: ...  # noqa: D102
    @property
    def token(self) -> str | None: ...  # noqa: D102


class Moment(NamedTuple):
    """A second in time, with all that the signer derives from it.

    `inner` and `outer` are the two hashes of an HMAC: the first has seen the key and the string to
    sign up to the request's own hash, the second the key. https://www.rfc-editor.org/rfc/rfc2104
    """

    second: int
    amz_date: str
    scope: str
    key: bytes
    token: str | None
    inner: Hash
    outer: Hash


class Signer:
    """Signs requests of one service in one Region. Safe to share between threads.

    `credentials` is asked once a second, which is when botocore's refreshable credentials look at
    their expiry. `skew` (seconds, server minus local clock) is set by whoever learns it.
    """

    def __init__(
        self,
        *,
        service: str,
        region: str,
        credentials: Callable[[], Credentials],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.skew = 0.0
        self._service = service
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._moment: Moment | None = None
        self._key: bytes = b""
        self._key_for: tuple[str, str] | None = None

    def moment(self) -> Moment:
        """The current second; the same object for all requests within it."""
        second = int(self._clock() + self.skew)
        moment = self._moment
        if moment is None or moment.second != second:
            self._moment = moment = self._new_moment(second)
        return moment

    def forget(self) -> None:
        """Ask for credentials again at the next request."""
        self._moment = None

    def authorization(self, moment: Moment, signed_headers: str) -> str:
        """The value of a request's Authorization header up to the signature."""
        return f"{ALGORITHM} Credential={moment.scope}, SignedHeaders={signed_headers}, Signature="

    def signature(self, moment: Moment, canonical: Hash, body_sha256: str) -> str:
        """The signature of a request; `canonical` has hashed all before the body's hash."""
        request = canonical.copy()
        request.update(body_sha256.encode())
        inner = moment.inner.copy()
        inner.update(request.hexdigest().encode())
        outer = moment.outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()

    def _new_moment(self, second: int) -> Moment:
        credentials = self._credentials()
        now = time.gmtime(second)
        amz_date = time.strftime("%Y%m%dT%H%M%SZ", now)
        day = amz_date[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        key_for = (day, credentials.secret_key)
        if key_for != self._key_for:
            self._key = self._signing_key(credentials.secret_key, day)
            self._key_for = key_for
        block = self._key.ljust(BLOCK_BYTES, b"\0")
        inner = sha256(bytes(byte ^ 0x36 for byte in block))
        inner.update(f"{ALGORITHM}\n{amz_date}\n{scope}\n".encode())
        return Moment(
            second=second,
            amz_date=amz_date,
            scope=f"{credentials.access_key}/{scope}",
            key=self._key,
            token=credentials.token,
            inner=inner,
            outer=sha256(bytes(byte ^ 0x5C for byte in block)),
        )

    def _signing_key(self, secret_key: str, day: str) -> bytes:
        key = f"AWS4{secret_key}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = digest(key, part.encode(), "sha256")
        return key
