"""Call a deployed HTTP API, or a function URL, as a client that signs its requests."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REQUEST_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    content: Any


class SignedApi:
    """An HTTP API with IAM authorization on the local AWS; a function URL's service is `lambda`."""

    def __init__(self, url: str, *, region: str, service: str = "execute-api") -> None:
        self._url = url
        self._region = region
        self._service = service
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(
        self, method: str, path: str, content: Any = None, *, signed: bool = True, **headers: str
    ) -> Answer:
        """One request; headers by their names with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        question = self._question(method, path, content, named, signed=signed)
        try:
            with self._opener.open(question, timeout=REQUEST_SECONDS) as response:
                return Answer(response.status, json.loads(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.loads(error.read()))

    def pieces(self, method: str, path: str, content: Any) -> Iterator[bytes]:
        """An answer as it comes. Raises OSError when it is refused or breaks off."""
        question = self._question(method, path, content, {}, signed=True)
        with self._opener.open(question, timeout=REQUEST_SECONDS) as response:
            while piece := response.read1():
                yield piece

    def _question(
        self, method: str, path: str, content: Any, headers: dict[str, str], *, signed: bool
    ) -> urllib.request.Request:
        body = None if content is None else json.dumps(content).encode()
        request = AWSRequest(method=method, url=f"{self._url}{path}", data=body, headers=headers)
        if signed:
            SigV4Auth(Credentials("test", "test"), self._service, self._region).add_auth(request)
        return urllib.request.Request(
            request.url, data=body, method=method, headers=dict(request.headers)
        )
