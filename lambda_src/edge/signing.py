"""AWS Signature Version 4 for requests with a body in memory, except of S3.

S3 alone does not have the path quoted a second time.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import time
from hashlib import sha256
from hmac import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"


class Signer:
    """Signs requests of one service; the key, which changes once a day, is kept."""

    def __init__(self, *, service: str, region: str) -> None:
        self._service = service
        self._region = region
        self._key = b""
        self._key_for: tuple[str, str] | None = None

    def sign(
        self,
        credentials: Credentials,
        *,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        now: float,
        method: str = "POST",
        query: str = "",
    ) -> dict[str, str]:
        """The headers to send: the given ones (lower-case names, `host` among them) and the
        signature's. `path` and `query` are quoted as they are sent, the query in the order of its
        names; `now` is in seconds since 1970.
        """
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        day = date[:8]
        all_headers = {**headers, "x-amz-date": date}
        if credentials.token:
            all_headers["x-amz-security-token"] = credentials.token
        names = sorted(all_headers)
        signed = ";".join(names)
        lines = "".join([f"{name}:{all_headers[name]}\n" for name in names])
        path = path.replace("%", "%25")
        request = f"{method}\n{path}\n{query}\n{lines}\n{signed}\n{sha256(body).hexdigest()}"
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        text = f"{ALGORITHM}\n{date}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = digest(self._signing_key(credentials, day), text.encode(), "sha256").hex()
        all_headers["authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
        )
        return all_headers

    def _signing_key(self, credentials: Credentials, day: str) -> bytes:
        key_for = (day, credentials.secret_key)
        if key_for != self._key_for:
            key = f"AWS4{credentials.secret_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = digest(key, part.encode(), "sha256")
            self._key, self._key_for = key, key_for
        return self._key
