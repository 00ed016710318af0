"""Amazon's event stream encoding, which ConverseStream answers in.

Importing botocore for it would cost more than all the rest of the function; a test holds this equal
to botocore's parser.
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import json
from binascii import crc32
from struct import Struct

from edge.errors import THROTTLING_CODES, AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

PRELUDE = Struct(">III")
CHECKSUM = Struct(">I")
LARGEST_MESSAGE = 24 * 1024 * 1024
SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; 6 (bytes) and 7 (text) say their length."""
TEXT, BYTES = 7, 6


def events(pieces: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events of a body that arrives in pieces, as {type: content}.

    Raises AwsError for an exception in the stream, or for bytes that are no such stream.
    """
    for headers, payload in messages(pieces):
        content = _content(payload)
        kind = headers.get(":message-type")
        if kind == "event":
            yield {headers.get(":event-type", ""): content}
            continue
        code = headers.get(":exception-type") or headers.get(":error-code") or "StreamError"
        code = code[:1].upper() + code[1:]
        text = content.get("message") or headers.get(":error-message") or ""
        later = code in THROTTLING_CODES or code.startswith(("Internal", "ServiceUnavailable"))
        raise AwsError(code, 0, str(text), later)


def messages(pieces: Iterable[bytes]) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers that are text, and the payload, of each message."""
    buffer = b""
    for piece in pieces:
        buffer += piece
        while len(buffer) >= PRELUDE.size:
            length, headers_length, checksum = PRELUDE.unpack_from(buffer)
            _check(crc32(buffer[:8]) == checksum)
            _check(PRELUDE.size + headers_length + CHECKSUM.size <= length <= LARGEST_MESSAGE)
            if len(buffer) < length:
                break
            end = length - CHECKSUM.size
            _check(crc32(buffer[:end]) == CHECKSUM.unpack_from(buffer, end)[0])
            middle = PRELUDE.size + headers_length
            yield _headers(buffer[PRELUDE.size : middle]), buffer[middle:end]
            buffer = buffer[length:]
    if buffer:
        raise AwsError("ConnectionError", 0, "the stream ended inside a message", True)


def _headers(data: bytes) -> dict[str, str]:
    found, at = {}, 0
    while at < len(data):
        end = at + 1 + data[at]
        name = data[at + 1 : end].decode()
        _check(end < len(data))
        kind, at = data[end], end + 1
        if kind in (BYTES, TEXT):
            size, at = int.from_bytes(data[at : at + 2], "big"), at + 2
        else:
            _check(kind in SIZES)
            size = SIZES[kind]
        value, at = data[at : at + size], at + size
        _check(at <= len(data))
        if kind == TEXT:
            found[name] = value.decode()
    return found


def _content(payload: bytes) -> dict[str, Any]:
    try:
        content = json.loads(payload) if payload else {}
    except ValueError:
        content = {"message": payload.decode(errors="replace")}
    return content if isinstance(content, dict) else {}


def _check(right: bool) -> None:
    if not right:
        raise AwsError("UnexpectedAnswer", 0, "the stream is damaged", True)
