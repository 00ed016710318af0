"""The HTTP client on sockets, against servers that behave in every way a server may."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.http_connection import ConnectionFailedError, HttpConnection, Response

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[[socket.socket], None]


@contextmanager
def server(*serve: Serve, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Each function serves one connection, in order."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def run() -> None:
        for function in serve:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(5)
                    if tls is not None:
                        connection = tls.wrap_socket(connection, server_side=True)
                    function(connection)
                    connection.close()
            except OSError:
                pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(5)


def read_head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    return data


def replies(*answers: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        for answer in answers:
            if not read_head(connection):
                return
            connection.sendall(answer)

    return serve


def connect(
    port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> HttpConnection:
    return HttpConnection(host, port, tls=tls, connect_timeout=2)


def fetch(answer: bytes, **options: object) -> tuple[Response, HttpConnection]:
    with server(replies(answer)) as port:
        connection = connect(port)
        return connection.request(GET, read_timeout=2, **options), connection  # type: ignore[arg-type]


def test_a_connection_is_used_again() -> None:
    with server(replies(OK, OK, OK)) as port:
        connection = connect(port)
        for _ in range(3):
            assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def test_header_names_are_in_lower_case_and_values_stripped() -> None:
    response, _ = fetch(
        b"HTTP/1.1 404 Not Found\r\nX-Amz-Thing:  a: b \r\nContent-Length: 0\r\n\r\n"
    )
    assert response == Response(404, {"x-amz-thing": "a: b", "content-length": "0"}, b"")


@settings(max_examples=25)
@given(
    body=st.binary(max_size=200), sizes=st.lists(st.integers(1, 60), max_size=8),
    cut=st.integers(1, 25), extension=st.sampled_from([b"", b";name=value"]),
    trailer=st.sampled_from([b"", b"x-checksum: 1\r\n"]),
)  # fmt: skip
def test_chunked_bodies_however_they_arrive(
    body: bytes, sizes: list[int], cut: int, extension: bytes, trailer: bytes
) -> None:
    wire, rest = b"", body
    for size in [*sizes, len(body)]:
        chunk, rest = rest[:size], rest[size:]
        if chunk:
            wire += f"{len(chunk):x}".encode() + extension + b"\r\n" + chunk + b"\r\n"
    wire = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + wire + b"0\r\n" + trailer + b"\r\n" + OK
    )  # fmt: skip

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(wire), cut):
            connection.sendall(wire[start : start + cut])
        read_head(connection)

    with server(serve) as port:
        connection = connect(port)
        assert connection.request(GET, read_timeout=2).body == body
        # What follows on the same connection is the next answer.
        assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def test_an_answer_that_comes_byte_by_byte() -> None:
    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in OK:
            connection.sendall(bytes([byte]))
            time.sleep(0.0005)

    with server(serve) as port:
        connection = connect(port)
        assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def test_a_body_without_length_ends_with_the_connection() -> None:
    response, connection = fetch(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    assert response.body == b"all of it"
    assert not connection.is_open


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_that_the_server_ends_is_not_used_again(answer: bytes) -> None:
    with server(replies(answer), replies(OK)) as port:
        connection = connect(port)
        assert connection.request(GET, read_timeout=2).body == b"ok"
        assert not connection.is_open
        assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def test_interim_answers_are_skipped() -> None:
    response, _ = fetch(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + OK)
    assert (response.status, response.body) == (200, b"ok")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_answers_without_body_by_their_status(status: bytes) -> None:
    with server(replies(b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n", OK)) as port:
        connection = connect(port)
        assert connection.request(GET, read_timeout=2).body == b""
        assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def test_the_answer_to_head_has_no_body_whatever_its_length_says() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with server(replies(head, OK)) as port:
        connection = connect(port)
        response = connection.request(GET, read_timeout=2, head_only=True)
        assert (response.body, response.headers["content-length"]) == (b"", "1000")
        assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def test_a_body_above_the_limit_is_not_read() -> None:
    response, connection = fetch(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\nbeginning", largest_body=100
    )
    assert response.body == b"" and not connection.is_open
    chunk = b"80\r\n" + b"x" * 128 + b"\r\n"
    response, connection = fetch(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 3, largest_body=100
    )
    assert 100 < len(response.body) <= 256 and not connection.is_open


def test_a_large_body_within_the_limit() -> None:
    body = bytes(range(256)) * 20_000
    response, _ = fetch(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        largest_body=len(body),
    )
    assert response.body == body


def test_a_large_request_to_a_server_that_reads_slowly() -> None:
    """Partial writes: the socket's buffer is far smaller than the request."""
    body = b"x" * 2_000_000
    got = []

    def serve(connection: socket.socket) -> None:
        time.sleep(0.2)
        read, want = 0, len(GET) + len(body)
        while read < want:
            read += len(connection.recv(1_000_000))
        got.append(read)
        connection.sendall(OK)

    with server(serve) as port:
        connection = connect(port)
        assert connection.request(GET + body, read_timeout=5).body == b"ok"
        connection.close()
    assert got == [len(GET) + len(body)]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    ],
)
def test_broken_answers_fail_and_close_the_connection(answer: bytes) -> None:
    with server(replies(answer)) as port:
        connection = connect(port)
        with pytest.raises(ConnectionFailedError) as caught:
            connection.request(GET, read_timeout=2)
        assert not connection.is_open
        assert not caught.value.reused


def test_a_connection_closed_while_idle_is_told_apart() -> None:
    with server(replies(OK), replies(OK)) as port:
        connection = connect(port)
        connection.request(GET, read_timeout=2)
        time.sleep(0.05)
        with pytest.raises(ConnectionFailedError) as caught:
            connection.request(GET, read_timeout=2)
        assert caught.value.reused
        assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def test_a_stale_connection_is_dropped_before_use() -> None:
    with server(replies(OK), replies(OK)) as port:
        connection = connect(port)
        connection.request(GET, read_timeout=2)
        connection.drop_if_stale()
        time.sleep(0.05)
        connection.drop_if_stale()
        assert not connection.is_open
        assert connection.request(GET, read_timeout=2).body == b"ok"
        connection.close()


def silent(connection: socket.socket) -> None:
    read_head(connection)
    connection.recv(1)  # until the client has gone


def test_no_answer_in_time() -> None:
    with server(silent) as port:
        connection = connect(port)
        begun = time.monotonic()
        with pytest.raises(ConnectionFailedError, match="no answer within") as caught:
            connection.request(GET, read_timeout=0.2)
        assert caught.value.timed_out
        assert 0.15 < time.monotonic() - begun < 3


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailedError, match="refused"):
        connect(port).request(GET, read_timeout=1)


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def make_certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate of localhost, and a server's context with it."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: TLS verification needs the openssl command; install openssl")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def test_tls_with_a_trusted_certificate(certificate: tuple[Path, ssl.SSLContext]) -> None:
    path, context = certificate
    trusting = ssl.create_default_context(cafile=str(path))
    with server(replies(OK, OK), tls=context) as port:
        connection = connect(port, trusting, "localhost")
        assert connection.request(GET, read_timeout=2).body == b"ok"
        assert connection.request(GET, read_timeout=3).body == b"ok"
        connection.close()


def test_tls_refuses_an_unknown_certificate(certificate: tuple[Path, ssl.SSLContext]) -> None:
    _, context = certificate
    with server(replies(OK), tls=context) as port:
        connection = connect(port, ssl.create_default_context(), "localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            connection.request(GET, read_timeout=2)
        assert not connection.is_open


def test_tls_refuses_another_hosts_certificate(certificate: tuple[Path, ssl.SSLContext]) -> None:
    path, context = certificate
    trusting = ssl.create_default_context(cafile=str(path))
    with (
        server(replies(OK), tls=context) as port,
        pytest.raises(ssl.SSLCertVerificationError, match=r"127\.0\.0\.1"),
    ):
        connect(port, trusting, "127.0.0.1").request(GET, read_timeout=2)


def test_tls_time_out(certificate: tuple[Path, ssl.SSLContext]) -> None:
    path, context = certificate
    trusting = ssl.create_default_context(cafile=str(path))
    with server(silent, tls=context) as port:
        with pytest.raises(ConnectionFailedError) as caught:
            connect(port, trusting, "localhost").request(GET, read_timeout=0.2)
        assert caught.value.timed_out
