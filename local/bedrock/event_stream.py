"""Messages of AWS's event stream, as streaming answers carry them.

https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html describes the frame: lengths and
a checksum, headers, the payload, and a checksum of all of it.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

CONTENT_TYPE = "application/vnd.amazon.eventstream"
TEXT = 7  # the type of a header's value


def event(kind: str, content: Mapping[str, Any]) -> bytes:
    """One event of a stream."""
    return _message({":event-type": kind, ":message-type": "event"}, content)


def exception(kind: str, message: str) -> bytes:
    """What ends a stream that fails half-way; `kind` as in `throttlingException`."""
    headers = {":exception-type": f"{kind[:1].lower()}{kind[1:]}", ":message-type": "exception"}
    return _message(headers, {"message": message})


def _message(headers: Mapping[str, str], content: Mapping[str, Any]) -> bytes:
    payload = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    named = {**headers, ":content-type": "application/json"}
    encoded = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", TEXT, len(value.encode()))
        + value.encode()
        for name, value in named.items()
    )
    total = 12 + len(encoded) + len(payload) + 4
    prelude = struct.pack("!II", total, len(encoded))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + encoded + payload
    return message + struct.pack("!I", zlib.crc32(message))
