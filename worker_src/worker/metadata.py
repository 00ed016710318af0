"""The instance metadata service: who this instance is, and whether it has to go.

IMDSv2 only: a session token first, then requests that carry it.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
"""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from worker.http_connection import ConnectionFailedError, HttpConnection, Response

DEFAULT_ENDPOINT = "http://169.254.169.254"
IPV6_ENDPOINT = "http://[fd00:ec2::254]"
TOKEN_SECONDS = 21_600
TIMEOUT_SECONDS = 1.0


class MetadataError(Exception):
    """The metadata service did not answer."""


@dataclass(frozen=True)
class Departure:
    """Why the instance leaves, and in how many seconds at the latest (None: not known)."""

    reason: str
    seconds_left: float | None = None


class Metadata:
    """A small client; not for use by two threads at once."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.split("://", 1)[-1].strip("/").rpartition(":")
        if not host or not port.isdigit():
            host, port = endpoint.split("://", 1)[-1].strip("/"), "80"
        self._host = host.strip("[]")
        self._header = host if port == "80" else f"{host}:{port}"
        self._connection = HttpConnection(
            self._host, int(port), tls=None, connect_timeout=TIMEOUT_SECONDS
        )
        self._token = ""

    def get(self, path: str) -> str | None:
        """An item below /latest/meta-data/, None when there is none. Raises MetadataError."""
        for _ in range(2):
            if not self._token:
                self._token = self._new_token()
            response = self._request(
                f"GET /latest/meta-data/{path}", f"x-aws-ec2-metadata-token: {self._token}\r\n"
            )
            if response.status == 200:
                return response.body.decode()
            if response.status == 404:
                return None
            self._token = ""
        raise MetadataError(f"{path}: HTTP status {response.status}")

    def departure(self) -> Departure | None:
        """Whether Spot or Auto Scaling has announced that the instance goes.

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
        https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
        """
        notice = self.get("spot/instance-action")
        if notice is not None:
            return spot_departure(notice, now=time.time())
        if self.get("autoscaling/target-lifecycle-state") == "Terminated":
            return Departure("scale-in")
        return None

    def _new_token(self) -> str:
        response = self._request(
            "PUT /latest/api/token",
            f"x-aws-ec2-metadata-token-ttl-seconds: {TOKEN_SECONDS}\r\ncontent-length: 0\r\n",
        )
        if response.status != 200:
            raise MetadataError(f"token: HTTP status {response.status}")
        return response.body.decode()

    def _request(self, line: str, headers: str) -> Response:
        message = f"{line} HTTP/1.1\r\nhost: {self._header}\r\n{headers}\r\n".encode()
        try:
            self._connection.drop_if_stale()
            return self._connection.request(message, read_timeout=TIMEOUT_SECONDS)
        except ConnectionFailedError as error:
            raise MetadataError(str(error)) from error


def open_metadata(environ: Mapping[str, str]) -> Metadata | None:
    """The service that botocore would ask; None when it is switched off by AWS's variable."""
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    mode = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "").lower()
    default = IPV6_ENDPOINT if mode == "ipv6" else DEFAULT_ENDPOINT
    return Metadata(environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or default)


def spot_departure(notice: str, *, now: float) -> Departure:
    """Read `{"action": "terminate", "time": "2026-01-31T08:22:00Z"}`; odd notices still count."""
    try:
        content = json.loads(notice)
        at = calendar.timegm(time.strptime(content["time"], "%Y-%m-%dT%H:%M:%SZ"))
    except (ValueError, KeyError, TypeError):
        return Departure("spot interruption")
    return Departure("spot interruption", max(0.0, at - now))
