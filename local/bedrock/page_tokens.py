"""Pages of a list: an opaque token says where the next one begins, and in which list."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TypeVar

from local.bedrock.errors import invalid

T = TypeVar("T")


def page(
    items: Sequence[T], *, size: int, token: str | None, of: str
) -> tuple[Sequence[T], str | None]:
    """A page and the token of the next one, if there is one. Raises BedrockError."""
    first = _offset(token, of) if token else 0
    last = first + size
    return items[first:last], _token(last, of) if last < len(items) else None


def _token(offset: int, of: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([offset, of]).encode()).decode()


def _offset(token: str, of: str) -> int:
    try:
        offset, named = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        raise invalid("The provided nextToken is invalid.") from None
    if named != of or not isinstance(offset, int):
        raise invalid("The provided nextToken is invalid: it belongs to another request.")
    return offset
