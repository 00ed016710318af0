"""Requests to OpenSearch, signed."""

from __future__ import annotations

import http.client
import json
import os
import time
from hashlib import sha256
from urllib.parse import urlsplit

from edge.credentials import CredentialSource
from edge.signing import Signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TIMEOUT_SECONDS = 30.0


class SearchClient:
    """One collection (`aoss`) or domain (`es`)."""

    def __init__(
        self, endpoint: str, *, service: str, environ: Mapping[str, str] = os.environ
    ) -> None:
        parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        self._secure = parts.scheme == "https"
        self._host = parts.netloc
        self._base = parts.path.rstrip("/")
        self._credentials = CredentialSource(environ)
        self._signer = Signer(service=service, region=environ["AWS_REGION"])

    def request(
        self, method: str, path: str, body: object = None
    ) -> tuple[int, dict[str, Any] | str]:
        """Status and answer; OSError when there is none.

        OpenSearch Serverless wants the hash of the body as a header
        (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-clients.html).
        """
        content = json.dumps(body).encode() if body is not None else b""
        path = self._base + path
        headers = self._signer.sign(
            self._credentials.current(),
            method=method,
            path=path,
            headers={
                "host": self._host,
                "content-type": "application/json",
                "x-amz-content-sha256": sha256(content).hexdigest(),
            },
            body=content,
            now=time.time(),
        )
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body=content or None, headers=headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except http.client.HTTPException as error:
            raise OSError(f"{self._host}: {error!r}") from error
        finally:
            connection.close()
        try:
            parsed = json.loads(text) if text else {}
        except ValueError:
            return response.status, text
        return response.status, parsed if isinstance(parsed, dict) else text
