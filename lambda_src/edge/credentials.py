"""Where a function's credentials come from, and when they are read again.

Lambda puts the role's credentials into the environment. A function with SnapStart gets the address
of a local endpoint instead, because credentials from before the snapshot would have expired by the
time a copy is restored.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html#snapstart-credentials
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import json
import os
import time

from edge.errors import AwsError, delay_before_retry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RENEW_BEFORE_SECONDS = 300.0
TIMEOUT_SECONDS = 2.0
ATTEMPTS = 3
LOCAL_HOSTS = frozenset(
    {"localhost", "127.0.0.1", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"}
)
"""The hosts that the SDKs allow over plain HTTP: loopback, ECS and EKS."""


class Credentials:
    """One set of keys; `expires` is in seconds since 1970, None when the environment gave them."""

    __slots__ = ("access_key", "expires", "secret_key", "token")

    def __init__(
        self, access_key: str, secret_key: str, token: str | None, expires: float | None = None
    ) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token
        self.expires = expires


class CredentialSource:
    """The credentials of this copy: the environment's, else the endpoint's until they expire."""

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._environ = environ
        self._clock = clock
        self._sleep = sleep
        self._current: Credentials | None = None

    def current(self) -> Credentials:
        """Valid credentials. Raises AwsError `NoCredentials` with what to set."""
        current = self._current
        if current is None:
            self._current = current = self._find()
        elif current.expires is not None and self._left(current) < RENEW_BEFORE_SECONDS:
            try:
                self._current = current = self._find()
            except AwsError:
                # The endpoint is down for a moment; what we have still works.
                if self._left(current) <= 0:
                    raise
        return current

    def renew(self) -> None:
        """AWS refused the credentials: read them anew at the next call."""
        self._current = None

    def _left(self, credentials: Credentials) -> float:
        return (credentials.expires or 0.0) - self._clock()

    def _find(self) -> Credentials:
        environ = self._environ
        access_key = environ.get("AWS_ACCESS_KEY_ID")
        secret_key = environ.get("AWS_SECRET_ACCESS_KEY")
        if access_key and secret_key:
            return Credentials(access_key, secret_key, environ.get("AWS_SESSION_TOKEN") or None)
        url = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if url:
            return self._from_endpoint(url)
        raise AwsError(
            "NoCredentials",
            0,
            "neither AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY nor "
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is set; give the function a role, or set the keys",
            False,
        )

    def _from_endpoint(self, url: str) -> Credentials:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask(url)
            except (OSError, ValueError, KeyError, TypeError) as error:
                reason = f"{url}: {error!r}"
            if attempt < ATTEMPTS:
                self._sleep(delay_before_retry(attempt))
        raise AwsError("NoCredentials", 0, reason, True)

    def _ask(self, url: str) -> Credentials:
        import calendar
        import http.client
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        if not secure and host not in LOCAL_HOSTS:
            raise AwsError(
                "NoCredentials",
                0,
                f"AWS_CONTAINER_CREDENTIALS_FULL_URI is {url}; use https or a local host",
                False,
            )
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(host, parts.port, timeout=TIMEOUT_SECONDS)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            token = self._authorization()
            headers = {"Accept": "application/json"}
            connection.request("GET", path, headers={**headers, **token})
            response = connection.getresponse()
            body = response.read()
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
        finally:
            connection.close()
        if response.status != 200:
            raise OSError(f"status {response.status}")
        answer = json.loads(body)
        expires = time.strptime(str(answer["Expiration"])[:19], "%Y-%m-%dT%H:%M:%S")
        return Credentials(
            answer["AccessKeyId"],
            answer["SecretAccessKey"],
            answer.get("Token"),
            float(calendar.timegm(expires)),
        )

    def _authorization(self) -> dict[str, str]:
        name = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        if name:
            with open(name, encoding="utf-8") as file:  # noqa: PTH123 - as in keep_warm
                token = file.read().strip()
        else:
            token = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        return {"Authorization": token} if token else {}
