"""Call a deployed HTTP API as a client that signs its requests."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
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
    """An HTTP API with IAM authorization on the local AWS."""

    def __init__(self, url: str, *, region: str) -> None:
        self._url = url
        self._region = region

    def call(
        self, method: str, path: str, content: Any = None, *, signed: bool = True, **headers: str
    ) -> Answer:
        """One request; headers by their names with underscores."""
        body = None if content is None else json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method=method, url=f"{self._url}{path}", data=body, headers=named)
        if signed:
            SigV4Auth(Credentials("test", "test"), "execute-api", self._region).add_auth(request)
        question = urllib.request.Request(
            request.url, data=body, method=method, headers=dict(request.headers)
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(question, timeout=REQUEST_SECONDS) as response:
                return Answer(response.status, json.loads(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.loads(error.read()))
