"""One kept-alive HTTP/1.1 connection on a plain or TLS socket.

`http.client` spends about as long on parsing response headers through the email package as this
whole client spends on a call, so the few rules of RFC 9112 that AWS's servers use are followed
here: status line, headers, Content-Length, chunked bodies, bodies that end with the connection,
interim responses, `Connection: close`. https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
from typing import NamedTuple

RECEIVE_BYTES = 65_536
LARGEST_HEAD = 65_536


class ConnectionFailedError(OSError):
    """The connection broke or the peer does not speak HTTP.

    `reused` is True when an idle connection turned out to be closed before a single byte of the
    answer: the request can be sent again at once. `timed_out` tells a time-out from other causes.
    """

    def __init__(self, reason: str, *, reused: bool = False, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reused = reused
        self.timed_out = timed_out


class Response(NamedTuple):
    """An HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpConnection:
    """Sends one request at a time. Not for use by two threads at once."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        connect_timeout: float,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._connect_timeout = connect_timeout
        self._socket: socket.socket | None = None
        self._rest = b""
        self._used = False
        self._read_timeout = -1.0

    @property
    def is_open(self) -> bool:
        """Whether the next request can go out without connecting."""
        return self._socket is not None

    def close(self) -> None:
        """Close the socket; the next request connects again."""
        connection, self._socket = self._socket, None
        self._rest = b""
        if connection is not None:
            connection.close()

    def request(
        self,
        message: bytes,
        *,
        read_timeout: float,
        head_only: bool = False,
        largest_body: int | None = None,
    ) -> Response:
        """Send a whole request and read the whole response.

        `read_timeout` bounds each wait for the next bytes, in seconds. With `largest_body`, a
        longer body is not read: the response has an empty body and the connection is closed.
        Raises ConnectionFailedError, or ssl.SSLCertVerificationError for a peer that is not to be
        trusted; the connection is closed then.
        """
        reused = self._used and self.is_open
        try:
            connection = self._connected()
            if read_timeout != self._read_timeout:
                self._set_read_timeout(connection, read_timeout)
            connection.sendall(message)
            self._used = True
            status, headers, keep = self._read_head(connection, reused)
            body = b""
            if not head_only and status not in (204, 304):
                body, keep = self._read_body(connection, headers, keep, largest_body)
        except (ConnectionFailedError, ssl.SSLCertVerificationError):
            self.close()
            raise
        except (TimeoutError, BlockingIOError) as error:
            self.close()
            raise ConnectionFailedError(
                f"no answer within {read_timeout:g} s", timed_out=True
            ) from error
        except (OSError, ValueError) as error:
            self.close()
            stale = reused and isinstance(error, (BrokenPipeError, ConnectionResetError))
            raise ConnectionFailedError(f"{type(error).__name__}: {error}", reused=stale) from error
        except BaseException:
            self.close()
            raise
        if not keep:
            self.close()
        return Response(status, headers, body)

    def drop_if_stale(self) -> None:
        """Close a connection that the peer has closed, or on which it sent something unasked."""
        connection = self._socket
        if connection is not None and select.select([connection], [], [], 0)[0]:
            self.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            try:
                raw = socket.create_connection((self._host, self._port), self._connect_timeout)
            except TimeoutError as error:
                raise ConnectionFailedError(
                    f"no connection to {self._host}:{self._port} within "
                    f"{self._connect_timeout:g} s",
                    timed_out=True,
                ) from error
            try:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                self._socket = (
                    raw
                    if self._tls is None
                    else self._tls.wrap_socket(raw, server_hostname=self._host)
                )
            except BaseException:
                raw.close()
                raise
            self._rest = b""
            self._used = False
            self._read_timeout = -1.0
        return self._socket

    def _set_read_timeout(self, connection: socket.socket, seconds: float) -> None:
        """Bound each wait by the kernel on plain sockets, which saves a poll(2) per read and write.

        OpenSSL would take the kernel's time-out for an interruption, so TLS uses Python's.
        """
        if self._tls is None:
            whole = int(seconds)
            value = struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
            connection.settimeout(None)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
        else:
            connection.settimeout(seconds)
        self._read_timeout = seconds

    def _read_head(
        self, connection: socket.socket, reused: bool
    ) -> tuple[int, dict[str, str], bool]:
        data = self._rest
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > LARGEST_HEAD:
                    raise ConnectionFailedError("the head of the answer is too long")
                more = connection.recv(RECEIVE_BYTES)
                if not more:
                    raise ConnectionFailedError(
                        "closed by the peer before an answer", reused=reused and not data
                    )
                data = data + more if data else more
                continue
            status, headers, keep = _parse_head(data[:end])
            data = data[end + 4 :]
            if status >= 200:
                self._rest = data
                return status, headers, keep

    def _read_body(
        self,
        connection: socket.socket,
        headers: dict[str, str],
        keep: bool,
        largest: int | None,
    ) -> tuple[bytes, bool]:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._read_chunks(connection, largest), keep and largest is None
        length = headers.get("content-length")
        if length is None:
            return self._read_to_end(connection, largest), False
        size = int(length)
        if size < 0:
            raise ConnectionFailedError(f"Content-Length is {length}")
        if largest is not None and size > largest:
            return b"", False
        data = self._rest
        if len(data) == size:
            self._rest = b""
            return data, keep
        if len(data) < size:
            data = self._read_more(connection, data, size)
        self._rest = data[size:]
        return data[:size], keep

    def _read_more(self, connection: socket.socket, data: bytes, size: int) -> bytes:
        parts, have = [data], len(data)
        while have < size:
            part = connection.recv(min(RECEIVE_BYTES * 4, size - have))
            if not part:
                raise ConnectionFailedError("closed by the peer in the middle of an answer")
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def _read_to_end(self, connection: socket.socket, largest: int | None) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while largest is None or have <= largest:
            part = connection.recv(RECEIVE_BYTES)
            if not part:
                return b"".join(parts)
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def _read_chunks(self, connection: socket.socket, largest: int | None) -> bytes:
        parts: list[bytes] = []
        have = 0
        while True:
            line = self._read_line(connection)
            size = int(line.split(b";", 1)[0], 16)
            if size == 0:
                while self._read_line(connection):
                    pass
                return b"".join(parts)
            data = self._rest
            if len(data) < size + 2:
                data = self._read_more(connection, data, size + 2)
            if data[size : size + 2] != b"\r\n":
                raise ConnectionFailedError("a chunk of the answer has the wrong size")
            parts.append(data[:size])
            self._rest = data[size + 2 :]
            have += size
            if largest is not None and have > largest:
                return b"".join(parts)

    def _read_line(self, connection: socket.socket) -> bytes:
        while True:
            line, found, rest = self._rest.partition(b"\r\n")
            if found:
                self._rest = rest
                return line
            if len(line) > LARGEST_HEAD:
                raise ConnectionFailedError("a line of the answer is too long")
            more = connection.recv(RECEIVE_BYTES)
            if not more:
                raise ConnectionFailedError("closed by the peer in the middle of an answer")
            self._rest += more


def _parse_head(head: bytes) -> tuple[int, dict[str, str], bool]:
    first, _, rest = head.decode("latin-1").partition("\r\n")
    version = first[:9]
    if version not in ("HTTP/1.1 ", "HTTP/1.0 "):
        raise ConnectionFailedError(f"the answer is not HTTP/1.x: {first[:40]!r}")
    status = int(first[9:12])
    headers: dict[str, str] = {}
    if rest:
        for line in rest.split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
    connection = headers.get("connection")
    if connection is None:
        return status, headers, version == "HTTP/1.1 "
    return status, headers, "close" not in connection.lower()
