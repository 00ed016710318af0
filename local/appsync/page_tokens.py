"""`nextToken`: opaque to callers, and good for one resolver only.

https://docs.aws.amazon.com/appsync/latest/devguide/js-aws-appsync-resolver-reference-dynamodb-sync.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from local.appsync.errors import FieldError

_KEY = secrets.token_bytes(32)


def sealed(content: Mapping[str, Any], scope: str) -> str:
    """A token for `content`; `scope` is the resolver that it is good for."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal(body, scope) + body).decode()


def opened(token: str, scope: str) -> dict[str, Any]:
    """What a token holds. Raises FieldError for one that this resolver did not give out."""
    try:
        raw = base64.urlsafe_b64decode(token)
        seal, body = raw[:16], raw[16:]
        if hmac.compare_digest(seal, _seal(body, scope)):
            content: dict[str, Any] = json.loads(body)
            return content
    except ValueError:
        pass
    raise FieldError("Invalid pagination token given.", "BadRequest")


def _seal(body: bytes, scope: str) -> bytes:
    return hmac.new(_KEY, scope.encode() + b"\0" + body, hashlib.sha256).digest()[:16]
