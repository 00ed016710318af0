"""What botocore knows about this machine: credentials, endpoints, proxies, certificates.

The fast path signs and sends by itself, but never decides these things by itself, so that the
worker behaves as every other AWS program in the same environment.
"""

from __future__ import annotations

import os
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from worker.aws import AwsError
from worker.signing import Credentials

RENEW_AT_MOST_EVERY_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a service answers. `path` has no trailing slash; `custom` means configured by hand."""

    scheme: str
    host: str
    port: int
    path: str
    custom: bool

    @property
    def url(self) -> str:
        """The endpoint as a URL without a trailing slash."""
        return f"{self.scheme}://{self.host_header}{self.path}"

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        return self.header_for(self.host)

    def header_for(self, host: str) -> str:
        """The Host header for a host at this port, which is left out when it is the scheme's."""
        host = f"[{host}]" if ":" in host else host
        if self.port == (443 if self.scheme == "https" else 80):
            return host
        return f"{host}:{self.port}"


def parse_endpoint(url: str, *, custom: bool) -> Endpoint:
    """Take a URL apart; AwsError `InvalidEndpoint` names it when it is not http or https."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise AwsError("InvalidEndpoint", 0, f"{url!r} is not an http(s) URL; correct it", False)
    return Endpoint(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
        path=parts.path.rstrip("/"),
        custom=custom,
    )


class AwsConfig:
    """One botocore session per process and what follows from it."""

    def __init__(self, *, region: str) -> None:
        self.region = region
        self.credentials = CredentialSource(lambda: self.new_session().get_credentials())
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def new_session(self) -> Any:
        """A fresh botocore session: reads the environment and the shared files anew."""
        from botocore.session import Session

        return Session()

    @cached_property
    def session(self) -> Any:
        """The botocore session of this process."""
        return self.new_session()

    def client(self, service: str) -> Any:
        """A botocore client, made once; retries in standard mode unless configured otherwise."""
        from botocore.config import Config

        with self._lock:
            client = self._clients.get(service)
            if client is None:
                mode = self.session.get_config_variable("retry_mode")
                config = Config(
                    retries={"mode": mode if mode and mode != "legacy" else "standard"},
                    connect_timeout=5,
                    max_pool_connections=32,
                )
                client = self.session.create_client(service, region_name=self.region, config=config)
                self._clients[service] = client
        return client

    @property
    def max_attempts(self) -> int:
        """Attempts per call: AWS_MAX_ATTEMPTS or the shared file, else the standard mode's 3."""
        try:
            return max(1, int(self.session.get_config_variable("max_attempts") or 3))
        except ValueError:
            return 3

    def endpoint(self, service: str) -> Endpoint:
        """Where the service answers: a configured URL, or the Region's endpoint.

        Endpoints that are neither (FIPS, dual-stack, an unknown partition) are asked from botocore.
        """
        configured = self._configured_url(service)
        if configured:
            return parse_endpoint(configured, custom=True)
        suffix = self._dns_suffix()
        if suffix is None or self.unusual_endpoint:
            return parse_endpoint(self.client(service).meta.endpoint_url, custom=False)
        return parse_endpoint(f"https://{service}.{self.region}.{suffix}", custom=False)

    @property
    def unusual_endpoint(self) -> bool:
        """Whether FIPS or dual-stack endpoints are configured."""
        session = self.session
        return any(
            session.get_config_variable(name)
            for name in ("use_fips_endpoint", "use_dualstack_endpoint")
        )

    def s3_setting(self, name: str) -> Any:
        """A value of the `s3` section of the shared configuration file."""
        section = self.session.get_scoped_config().get("s3")
        return section.get(name) if isinstance(section, dict) else None

    def obstacle(self, endpoint: Endpoint) -> str | None:
        """Why the fast path cannot serve an endpoint, or None. The caller then uses botocore."""
        from botocore.utils import get_environ_proxies

        if get_environ_proxies(endpoint.url).get(endpoint.scheme):
            return "a proxy is configured for it"
        return None

    def tls_context(self) -> ssl.SSLContext:
        """Verify servers as botocore does: AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, else its own bundle.

        A directory of hashed certificates is accepted as well as a file. AwsError names a bundle
        that cannot be read.
        """
        bundle = self.session.get_config_variable("ca_bundle") or os.environ.get(
            "REQUESTS_CA_BUNDLE"
        )
        if not bundle:
            from botocore.httpsession import get_cert_path

            bundle = get_cert_path(True)
        path = Path(bundle)
        try:
            if path.is_dir():
                return ssl.create_default_context(capath=str(path))
            return ssl.create_default_context(cafile=str(path))
        except OSError as error:
            raise AwsError(
                "InvalidCaBundle", 0, f"{path}: {error}; correct AWS_CA_BUNDLE", False
            ) from error

    def _configured_url(self, service: str) -> str | None:
        from botocore.configprovider import ConfiguredEndpointProvider

        if self.session.get_config_variable("ignore_configured_endpoint_urls"):
            return None
        provider = ConfiguredEndpointProvider(
            full_config=self.session.full_config,
            scoped_config=self.session.get_scoped_config(),
            client_name=service,
        )
        url: str | None = provider.provide()
        return url

    def _dns_suffix(self) -> str | None:
        partitions = self.session.get_component("data_loader").load_data("partitions")
        for partition in partitions["partitions"]:
            if self.region in partition["regions"] or re.match(
                partition["regionRegex"], self.region
            ):
                suffix: str = partition["outputs"]["dnsSuffix"]
                return suffix
        return None


class CredentialSource:
    """botocore's credentials, found when first needed and found again when AWS refuses them."""

    def __init__(
        self, find: Callable[[], Any], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._find = find
        self._clock = clock
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._renewed_at = float("-inf")

    def __call__(self) -> Credentials:
        """Valid credentials; botocore refreshes them when they are close to their expiry.

        Raises AwsError `NoCredentials`, retryable: an instance role may come a little later.
        """
        try:
            with self._lock:
                if self._credentials is None:
                    self._credentials = self._find()
                credentials = self._credentials
            frozen: Credentials | None = credentials and credentials.get_frozen_credentials()
        except Exception as error:  # each of botocore's providers fails in its own way
            raise AwsError("NoCredentials", 0, str(error), True) from error
        if frozen is None:
            raise AwsError(
                "NoCredentials",
                0,
                "no credentials found; attach an instance profile, or set AWS_PROFILE or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                True,
            )
        return frozen

    def renew(self) -> None:
        """Look for credentials from scratch, because AWS refused these, unless that was just done.

        Several threads are refused at the same time; one search serves them all.
        """
        with self._lock:
            now = self._clock()
            if now - self._renewed_at >= RENEW_AT_MOST_EVERY_SECONDS:
                self._renewed_at = now
                self._credentials = None
